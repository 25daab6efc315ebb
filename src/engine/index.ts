import { loadModel } from './model/model.ts';
import { usableCores } from './devices/cores.ts';
import { ServiceError } from '../errors.ts';
import { explainFault, isDeviceLost } from './devices/cuda/faults.ts';
import { thisHost } from './devices/cuda/host.ts';
import type { CudaHost } from './devices/cuda/host.ts';
import { obstacleOf, preflight } from './devices/cuda/preflight.ts';
import { parseDevices } from './devices/parse-devices.ts';
import { layoutOf } from './tiling/layout.ts';
import { createRates } from './scheduling/service-times.ts';
import type { Placement } from './inference/onnxruntime.ts';
import { createScheduler } from './scheduling/scheduler.ts';
import type { Runner } from './scheduling/scheduler.ts';
import { supervise } from './workers/supervisor.ts';
import { startTeam } from './workers/cpu-group.ts';
import { startThread } from './workers/worker-thread.ts';
import type { WorkerThread } from './workers/worker-thread.ts';
import type { Engine, EngineEvents, Timed } from './types.ts';
import {
  createRunner,
  describeTask,
  describeWork,
  stylizeTask,
  stylizeWork,
} from './workers/jobs.ts';
import type { Work } from './workers/jobs.ts';

export interface EngineOptions {
  /** The folder of model.json, encoder.onnx and decoder.onnx. */
  readonly modelsDir: string;
  /** auto, cpu, cuda, or GPUs by number: cuda:0,cuda:1. */
  readonly device: string;
  /** Of weights and convolutions on a GPU; float16 by default. */
  readonly precision?: Placement['precision'];
  /** CPU threads; by default as many as there are cores to use. */
  readonly threads?: number | undefined;
  /** How many requests may wait. */
  readonly queueLimit: number;
  /** How many pictures the caller can decode at once; 4 by default, as libuv's pool has it. */
  readonly decoders?: number;
  /** How many requests of one size may run together; by default two on a CPU, one on a GPU. */
  readonly maxBatch?: number | undefined;
  /** Pictures with more pixels are painted in tiles of at most as many. */
  readonly tilePixels: number;
  readonly events?: EngineEvents;
  readonly log?: EngineLog;
}

/** The part of pino that the engine needs. */
export interface EngineLog {
  warn(details: { err: Error; waitMs: number }, message: string): void;
}

/** What tests replace. */
export interface EngineSeams {
  readonly workerFile?: URL;
  readonly host?: CudaHost;
  readonly longestRunMs?: number;
}

/** No run takes as long: pictures are tiled. One that does hangs. */
const longestRunMs = 120_000;

/**
 * Loads the model and starts the workers. Each of them has made a real inference when this resolves.
 * @throws Error that names the file, the device or the option at fault
 */
export async function createEngine(
  options: EngineOptions,
  seams: EngineSeams = {},
): Promise<Engine> {
  const model = await loadModel(options.modelsDir);
  const { tilePixels, queueLimit, log } = options;
  const smallestTile = (3 * (model.encoderMargin + model.decoderHalo)) ** 2;
  if (tilePixels < smallestTile) {
    throw new RangeError(`tilePixels must be at least ${smallestTile}: a tile needs its halo`);
  }
  const start = (placement: Placement) => {
    const layout = layoutOf(model, placement, options);
    const startWorker = placement.provider === 'cpu' && layout.batch > 1 ? startTeam : startThread;
    const starting = startWorker({ model, placement, layout }, seams.workerFile);
    return starting.catch(rethrowFrom(placement));
  };
  const { placements, threads, description } = await startWorkers(options, start, seams.host);
  const { provider } = placements[0];
  const layout = layoutOf(model, placements[0], options);

  const scheduler = createScheduler<Work>({
    now: () => performance.now(),
    rates: createRates(threads[0].speeds),
    queueLimit,
    maxBatch: layout.batch,
    ahead: options.decoders ?? 4,
    events: options.events ?? { onQueueDepth: () => undefined, onBatch: () => undefined },
  });
  const runners = new Map<WorkerThread, Runner<Work>>();
  let deviceLost = false;
  const supervisors = threads.map((thread, index) =>
    supervise(thread, {
      start: () => start(placements[index] as Placement),
      onUp(thread, onRun) {
        const runner = createRunner(thread, onRun);
        runners.set(thread, runner);
        scheduler.add(runner);
      },
      onDown(thread) {
        const runner = runners.get(thread);
        runners.delete(thread);
        if (runner) scheduler.remove(runner);
      },
      onRestart(err, waitMs) {
        if (isDeviceLost(err.message)) {
          deviceLost = true;
          scheduler.giveUp(gpuFailed(err));
        }
        log?.warn({ err, waitMs }, 'engine worker lost, starting another');
      },
    }),
  );

  let closed: Promise<void> | undefined;
  return {
    model: model.info,
    provider,
    description,
    get ready() {
      return !closed && supervisors.some(({ up }) => up);
    },
    get live() {
      return !deviceLost && scheduler.longestStepMs() < (seams.longestRunMs ?? longestRunMs);
    },
    async describe(image, options = {}) {
      const work = describeWork(image);
      const place = scheduler.reserve(describeTask(layout, image, options));
      return place.submit(work) as Promise<Timed<never>>;
    },
    reserve(size, options = {}) {
      const place = scheduler.reserve(stylizeTask(layout, size, options));
      return {
        near: place.near,
        stylize: async (input) =>
          place.submit(stylizeWork(layout, size, input)) as Promise<Timed<never>>,
        release: () => {
          place.release();
        },
      };
    },
    close() {
      closed ??= scheduler.close().then(async () => {
        await Promise.all(supervisors.map((supervisor) => supervisor.close()));
      });
      return closed;
    },
  };
}

function gpuFailed(cause: Error): ServiceError {
  const text =
    'The GPU failed, and this process can use it no more. Send the request to another instance, or come back when this one has been restarted.';
  return new ServiceError('not_ready', text, { cause });
}

interface Started {
  readonly placements: readonly [Placement, ...Placement[]];
  /** One for each placement. */
  readonly threads: readonly [WorkerThread, ...WorkerThread[]];
  readonly description: string;
}

/** `auto` takes a GPU if one works and says why not otherwise; a device asked for must work. */
async function startWorkers(
  { device, precision, threads = usableCores() }: EngineOptions,
  start: (placement: Placement) => Promise<WorkerThread>,
  host = thisHost(),
): Promise<Started> {
  const parse = (name: string) => parseDevices(name, threads, precision);
  if (device !== 'auto') return startAll(parse(device), '', start, host);
  try {
    return await startAll(parse('cuda'), '', start, host);
  } catch (error) {
    const reason = ` (no GPU: ${(error as Error).message})`;
    return startAll(parse('cpu'), reason, start, host);
  }
}

async function startAll(
  placements: Started['placements'],
  reason: string,
  start: (placement: Placement) => Promise<WorkerThread>,
  host: CudaHost,
): Promise<Started> {
  const gpus = placements.filter(({ provider }) => provider === 'cuda');
  const obstacle = gpus.length > 0 && obstacleOf(preflight(gpus.map(ordinalOf), host));
  if (obstacle) throw new Error(`CUDA cannot be used: ${obstacle}`);
  const started = await Promise.allSettled(placements.map(start));
  const [first, ...others] = started.flatMap((one) =>
    one.status === 'fulfilled' ? one.value : [],
  );
  const failed = started.find((one) => one.status === 'rejected');
  if (failed || !first) {
    for (const thread of [first, ...others]) thread?.close();
    throw failed?.reason;
  }
  const names = placements.map(({ provider, ordinal, threads, precision }) =>
    provider === 'cpu' ? `CPU with ${threads} threads` : `CUDA device ${ordinal} in ${precision}`,
  );
  return { placements, threads: [first, ...others], description: names.join(', ') + reason };
}

const ordinalOf = ({ ordinal }: Placement) => ordinal;

/** Says which GPU it was and what its error means. */
function rethrowFrom({ provider, ordinal }: Placement): (error: Error) => never {
  return (error) => {
    if (provider === 'cpu') throw error;
    const what = explainFault(error.message);
    throw new Error(`CUDA device ${ordinal} cannot be used: ${what}`, { cause: error });
  };
}
