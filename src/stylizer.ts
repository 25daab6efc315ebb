import type { FastifyBaseLogger } from 'fastify';
import { join } from 'node:path';

import type { Config } from './config.ts';
import { createEngine, type Engine, type EngineOptions } from './engine/index.ts';
import { configureImaging } from './imaging/configure.ts';
import { pool } from './imaging/pool.ts';
import { provenanceXmp } from './imaging/provenance.ts';
import {
  createMemoryBudget,
  forRequests,
  usableMemory,
  type MemoryBudget,
} from './memory-budget.ts';
import { engineEvents, storeEvents, type Metrics } from './observability/metrics.ts';
import { guardStore, openStore, type GuardedStore } from './store/index.ts';
import { createEncodeTimes } from './stylization/encode-times.ts';
import { createLibrary } from './stylization/library.ts';
import { assertReadable, createPresets } from './stylization/presets.ts';
import type { PresetFolders, Presets } from './stylization/presets.ts';
import { createStyleLookup, renewalShare } from './stylization/style-lookup.ts';
import { createStyles } from './stylization/styles.ts';
import { version } from './version.ts';

/** The part of the configuration that is the engine's. */
export function engineOptions(config: Config): EngineOptions {
  return {
    modelsDir: config.ADAIN_MODELS_DIR,
    device: config.ADAIN_DEVICE,
    precision: config.ADAIN_PRECISION === 'fp32' ? 'float32' : 'float16',
    threads: config.ADAIN_THREADS,
    queueLimit: config.ADAIN_QUEUE_LIMIT,
    decoders: pool.width,
    maxBatch: config.ADAIN_MAX_BATCH,
    tilePixels: config.ADAIN_TILE_PIXELS,
    memoryBytes: memoryOf(config),
  };
}

function memoryOf({ ADAIN_MEMORY_BYTES }: Config): number {
  return ADAIN_MEMORY_BYTES ?? usableMemory();
}

function presetFolders(config: Config): PresetFolders {
  const { ADAIN_MODELS_DIR, ADAIN_PRESETS, ADAIN_STYLES_DIR } = config;
  const shipped = {
    path: join(ADAIN_MODELS_DIR, 'styles'),
    remedy: 'Set ADAIN_MODELS_DIR to the folder that holds it, or ADAIN_PRESETS to none.',
  };
  const own = {
    path: ADAIN_STYLES_DIR ?? '',
    remedy: 'Set ADAIN_STYLES_DIR to a folder of pictures that the service may read.',
  };
  return {
    shipped: ADAIN_PRESETS === 'shipped' ? shipped : undefined,
    own: ADAIN_STYLES_DIR === undefined ? undefined : own,
  };
}

/** What tests replace. */
export interface StylizerParts {
  readonly createEngine: typeof createEngine;
  /** Between two looks at the operator's folder. */
  readonly pollMs: number;
  /** How long pictures wait for what they can do without of the store. */
  readonly storeMs: number;
}

/**
 * Everything that paints, made from the configuration: the engine, warm, and the presets; what is
 * new of the operator's follows.
 * @throws Error that says which file, variable or device is at fault.
 */
export async function createStylizer(
  config: Config,
  metrics: Metrics,
  log: FastifyBaseLogger,
  parts: Partial<StylizerParts> = {},
) {
  log.info({ device: config.ADAIN_DEVICE }, 'warming up');
  configureImaging({ threads: 1 });
  const maxPixels = config.ADAIN_MAX_PIXELS;
  const maxFrames = config.ADAIN_MAX_FRAMES;
  const folders = presetFolders(config);
  await assertReadable(folders);

  const engine = await (parts.createEngine ?? createEngine)({
    ...engineOptions(config),
    events: engineEvents(metrics),
    log,
  });
  const { provider, model, description } = engine;
  metrics.engineInfo.set({ provider, model: model.name, version: model.version }, 1);

  let store: GuardedStore | undefined;
  let presets: Presets | undefined;
  try {
    store = await openStoreFor(config, engine, metrics, log, parts.storeMs);
    const lookup = createStyleLookup({
      ...{ store, metrics },
      maxCached: config.ADAIN_STYLE_CACHE_ENTRIES,
      ttlMs: config.ADAIN_STYLE_TTL_MS,
    });
    const styleSize = config.ADAIN_STYLE_SIZE;
    const memory = memoryFor(config, engine, metrics);
    presets = await createPresets({
      ...{ folders, engine, store, memory, styleSize, log },
      renewalMs: renewalShare * config.ADAIN_STYLE_TTL_MS,
      pollMs: parts.pollMs,
    });
    const described = { presets, store, lookup, styleSize, maxPixels };
    const styles = createStyles(described);
    const library = createLibrary({
      ...{ ...described, engine, styles },
      maxStyles: config.ADAIN_MAX_STYLES,
      maxStyleBytes: config.ADAIN_MAX_STYLE_BYTES,
    });
    const modelName = `${model.name} ${model.version}`;
    const pictureMB = Math.round(memory.pictures.capacity / 1e6);
    const what = {
      engine: description,
      model: modelName,
      presets: presets.catalog.size,
      store: store.place,
      pictureMB,
    };
    log.info(what, 'ready to paint');
    const xmp =
      config.ADAIN_PROVENANCE === 'on'
        ? provenanceXmp(`adain-server ${version}, model ${modelName}`)
        : undefined;
    return {
      ...{ engine, store, presets, library, styles, maxPixels, maxFrames, memory },
      ...{ encodeTimes: createEncodeTimes(), xmp },
    };
  } catch (error) {
    await presets?.close();
    await engine.close(); // else its workers would keep the process, or a connection
    await store?.close();
    throw error;
  }
}

/** Of the kept pictures in a process, out of what stays free of its memory: a quarter of that eighth. */
const storeShare = 1 / 32;

async function openStoreFor(
  config: Config,
  engine: Engine,
  metrics: Metrics,
  log: FastifyBaseLogger,
  storeMs?: number,
) {
  const { digest, channels } = engine.model;
  const store = await openStore(config.ADAIN_STYLE_STORE, {
    model: digest,
    statisticsLength: 2 * channels,
    // By then one in use has been kept anew.
    ttlMs: Math.ceil((1 + renewalShare) * config.ADAIN_STYLE_TTL_MS),
    maxStyles: config.ADAIN_MAX_STYLES,
    maxUploads: config.ADAIN_STYLE_CACHE_ENTRIES,
    maxMemoryBytes: storeShare * memoryOf(config),
    warn: (complaint) => {
      log.warn(complaint);
    },
  });
  return guardStore(store, storeEvents(metrics), log, storeMs);
}

/** The budget of all requests: what inference leaves of the memory. */
function memoryFor(config: Config, engine: Engine, metrics: Metrics): MemoryBudget {
  const { ADAIN_MAX_UPLOAD_BYTES } = config;
  const bytes = forRequests(memoryOf(config), engine.memoryBytes, ADAIN_MAX_UPLOAD_BYTES);
  return createMemoryBudget(bytes, (part, { held, capacity }) => {
    metrics.memoryHeld.set({ part }, held);
    metrics.memoryBudget.set({ part }, capacity);
  });
}
