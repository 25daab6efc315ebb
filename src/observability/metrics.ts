import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

import type { EngineEvents } from '../engine/index.ts';
import { errorCodes } from '../errors.ts';
import { type StoreEvents, storeResults } from '../store/index.ts';
import { controls } from '../stylization/controls.ts';
import { cacheOutcomes } from '../stylization/statistics-cache.ts';
import { revision, version } from '../version.ts';
import { stageNames } from './stages.ts';

/** 5 ms to a minute: a 256² picture on a GPU to a large one on a few cores. */
const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** A command to a store: a fraction of a millisecond to what the slowest may take. */
const storeSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.25, 1, 3];

export type Metrics = ReturnType<typeof createMetrics>;

/** Every metric of the service, named once, in a registry of its own. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];

  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter<L>({ name, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Gauge<L>({ name, help, labelNames, registers });
  const histogram = <L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    buckets = seconds,
  ) => new Histogram<L>({ name, help, labelNames, buckets, registers });

  const metrics = {
    registry,
    requests: counter('adain_requests_total', 'Requests answered', ['route', 'status']),
    requestDuration: histogram(
      'adain_request_duration_seconds',
      'Time from the first byte of a request to the last of its answer',
      ['route'],
    ),
    stageDuration: histogram(
      'adain_stage_duration_seconds',
      'Time a stylization spent in a stage',
      ['stage'],
    ),
    queueDepth: gauge('adain_queue_depth', 'Pictures that wait for the engine', []),
    queueWait: histogram('adain_queue_wait_seconds', 'Time a picture waited for the engine', []),
    batchSize: histogram(
      'adain_batch_size',
      'Pictures computed in one run of the model',
      [],
      [1, 2, 4, 8, 16, 32],
    ),
    styleCacheRequests: counter(
      'adain_style_cache_requests_total',
      'Look-ups of an uploaded style: hit, miss, or joined to a description under way',
      ['result'],
    ),
    styleCacheEntries: gauge('adain_style_cache_entries', 'Uploaded styles kept', []),
    styleStoreRequests: counter(
      'adain_style_store_requests_total',
      'Commands to the store of styles: hit, miss or ok, refused, failed or late, or not sent since it is away',
      ['store', 'result'],
    ),
    styleStoreDuration: histogram(
      'adain_style_store_duration_seconds',
      'Time that a command to the store of styles took',
      ['store'],
      storeSeconds,
    ),
    styleStoreUp: gauge('adain_style_store_up', 'Whether the store of styles answers', ['store']),
    rejections: counter('adain_rejections_total', 'Requests refused or failed, by error code', [
      'reason',
    ]),
    droppedConnections: counter(
      'adain_dropped_connections_total',
      'Connections closed unheard, since too many were open',
      [],
    ),
    controls: counter(
      'adain_controls_total',
      'Stylizations asked for with a control of the brush other than its default',
      ['control'],
    ),
    inferencePixels: counter(
      'adain_inference_pixels_total',
      'Pixels that went through the model',
      [],
    ),
    buildInfo: gauge('adain_build_info', 'Always 1; its labels say what was built', [
      'version',
      'revision',
    ]),
    processes: gauge(
      'adain_processes',
      'How many processes the instance is to have; each that serves says so',
      [],
    ),
    memoryBudget: gauge(
      'adain_memory_budget_bytes',
      'Memory that requests may hold: forms as they were sent, pictures in work with their results',
      ['part'],
    ),
    memoryHeld: gauge('adain_memory_held_bytes', 'Memory that requests hold', ['part']),
    engineInfo: gauge('adain_engine_info', 'Always 1; its labels say what the engine runs', [
      'provider',
      'model',
      'version',
    ]),
  };
  metrics.buildInfo.set({ version, revision }, 1);
  // `rate()` sees the first of a kind only if there was a 0 before it.
  for (const reason of errorCodes) metrics.rejections.inc({ reason }, 0);
  for (const control of controls) metrics.controls.inc({ control }, 0);
  for (const result of cacheOutcomes) metrics.styleCacheRequests.inc({ result }, 0);
  for (const stage of stageNames) metrics.stageDuration.zero({ stage });
  return metrics;
}

/** Keeps the store's metrics from what its guard tells. */
export function storeEvents(metrics: Metrics): StoreEvents {
  return {
    onCommand: (store, result, ms) => {
      metrics.styleStoreRequests.inc({ store, result });
      if (result !== 'away') metrics.styleStoreDuration.observe({ store }, ms / 1000);
    },
    onUp: (store, isUp) => {
      // `rate()` sees the first of a kind only if there was a 0 before it.
      for (const result of storeResults) metrics.styleStoreRequests.inc({ store, result }, 0);
      metrics.styleStoreUp.set({ store }, Number(isUp));
    },
  };
}

/** Keeps the engine's metrics from what the engine tells. */
export function engineEvents(metrics: Metrics): EngineEvents {
  return {
    onQueueDepth: (depth) => {
      metrics.queueDepth.set(depth);
    },
    onBatch: ({ size, pixels, queueMs }) => {
      metrics.batchSize.observe(size);
      metrics.inferencePixels.inc(pixels);
      for (const wait of queueMs) metrics.queueWait.observe(wait / 1000);
    },
  };
}
