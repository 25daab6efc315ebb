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
import { engineEvents, type Metrics } from './observability/metrics.ts';
import { loadCatalog, type StylesFolder } from './stylization/catalog.ts';
import { createEncodeTimes } from './stylization/encode-times.ts';
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

function stylesFolders(config: Config): StylesFolder[] {
  const { ADAIN_MODELS_DIR, ADAIN_PRESETS, ADAIN_STYLES_DIR } = config;
  const shipped = {
    path: join(ADAIN_MODELS_DIR, 'styles'),
    remedy: 'Set ADAIN_MODELS_DIR to the folder that holds it, or ADAIN_PRESETS to none.',
    required: true,
  };
  const own = {
    path: ADAIN_STYLES_DIR ?? '',
    remedy: 'Set ADAIN_STYLES_DIR to a folder of pictures that the service may read.',
    required: false,
  };
  return [
    ...(ADAIN_PRESETS === 'shipped' ? [shipped] : []),
    ...(ADAIN_STYLES_DIR === undefined ? [] : [own]),
  ];
}

/**
 * Everything that paints, made from the configuration: the engine, warm, and all presets described.
 * @throws Error that says which file, variable or device is at fault.
 */
export async function createStylizer(
  config: Config,
  metrics: Metrics,
  log: FastifyBaseLogger,
  startEngine = createEngine,
) {
  log.info({ device: config.ADAIN_DEVICE }, 'warming up');
  configureImaging({ threads: 1 });
  const maxPixels = config.ADAIN_MAX_PIXELS;
  const warn = (complaint: string) => {
    log.warn(complaint);
  };
  const found = await loadCatalog(stylesFolders(config), warn);

  const engine = await startEngine({
    ...engineOptions(config),
    events: engineEvents(metrics),
    log,
  });
  const { provider, model, description } = engine;
  metrics.engineInfo.set({ provider, model: model.name, version: model.version }, 1);

  try {
    const styles = await createStyles({
      engine,
      catalog: found,
      warn,
      metrics,
      styleSize: config.ADAIN_STYLE_SIZE,
      maxPixels,
      maxCached: config.ADAIN_STYLE_CACHE_ENTRIES,
    });
    const memory = memoryFor(config, engine, metrics);
    const catalog = styles.presets;
    const modelName = `${model.name} ${model.version}`;
    const pictureMB = Math.round(memory.pictures.capacity / 1e6);
    const what = { engine: description, model: modelName, presets: catalog.size, pictureMB };
    log.info(what, 'ready to paint');
    const xmp =
      config.ADAIN_PROVENANCE === 'on'
        ? provenanceXmp(`adain-server ${version}, model ${modelName}`)
        : undefined;
    return { engine, catalog, styles, maxPixels, memory, encodeTimes: createEncodeTimes(), xmp };
  } catch (error) {
    await engine.close(); // else its workers would keep the process
    throw error;
  }
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
