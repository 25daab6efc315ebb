import { ServiceError } from '../errors.ts';
import { smallestSide, type Size } from '../rgb-image.ts';
import { isDeviceLost } from './devices/cuda/faults.ts';
import type { CudaHost } from './devices/cuda/host.ts';
import type { Placement } from './devices/placement.ts';
import { loadModel } from './model/model.ts';
import { plain } from './inference/feeds.ts';
import type { Task, Turn } from './scheduling/queue-entry.ts';
import type { Runner } from './scheduling/runner.ts';
import { createScheduler } from './scheduling/scheduler.ts';
import { createServiceTimes } from './scheduling/service-times.ts';
import { footprint } from './tiling/footprint.ts';
import { layoutOf, smallestTile } from './tiling/layout.ts';
import type {
  Engine,
  EngineEvents,
  StylizeRequest,
  StylizeTurn,
  Timed,
  WorkOptions,
} from './types.ts';
import { startCpuGroup } from './workers/cpu-group.ts';
import {
  createRunner,
  describeJob,
  describeTask,
  planFor,
  stylizeJob,
  stylizeTask,
} from './workers/jobs.ts';
import type { Job } from './workers/jobs.ts';
import { rethrowFrom, startWorkers } from './workers/start.ts';
import { supervise } from './workers/supervisor.ts';
import { startWorkerThread } from './workers/worker-thread.ts';
import type { WorkerThread } from './workers/worker-thread.ts';

export interface EngineOptions {
  /** The folder of model.json, encoder.onnx and decoder.onnx. */
  readonly modelsDir: string;
  /** auto, cpu, cuda (as many workers as there is room for), or a worker each: cuda:0,cuda:1. */
  readonly device: string;
  /** Of weights and convolutions on a GPU; float16 by default. */
  readonly precision?: Placement['precision'];
  /** CPU threads; by default as many as there are cores to use. */
  readonly threads?: number | undefined;
  /** How many requests may wait. */
  readonly queueLimit: number;
  /** How many pictures the caller can decode at once; 4 by default, as libuv's pool has it. */
  readonly decoders?: number;
  /** How many requests of one size may run together; by default one on a GPU, on a CPU two if there is memory. */
  readonly maxBatch?: number | undefined;
  /**
   * Pictures with more pixels are painted in tiles of at most as many; by default 1 megapixel, on a
   * CPU half or a quarter of it where memory is short.
   */
  readonly tilePixels?: number | undefined;
  /** What the process may use; unbounded by default. */
  readonly memoryBytes?: number;
  readonly events?: EngineEvents;
  readonly log?: EngineLog;
}

/** The part of pino that the engine needs. */
export interface EngineLog {
  warn(details: { err: Error; waitMs?: number }, message: string): void;
}

/** What tests replace. */
export interface EngineSeams {
  readonly workerFile?: URL;
  readonly host?: CudaHost;
  readonly longestRunMs?: number;
  readonly longestStartMs?: number;
  readonly longestEndMs?: number;
}

/** No run takes as long: pictures are tiled. One that does hangs. */
const longestRunMs = 120_000;

/** Nor does a start, though a GPU tries many kernels for each of its shapes. */
export const longestStartMs = 300_000;

/** Nor does the end of a worker that has nothing to do. */
const longestEndMs = 10_000;

/** Three replacements in a row have failed when the next is to wait for so long. */
const hopelessWaitMs = 1000;

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
  if (tilePixels !== undefined && tilePixels < smallestTile(model)) {
    throw new RangeError(
      `Tiles of ${tilePixels} pixels are too small for this model: set ADAIN_TILE_PIXELS to ${smallestTile(model)} at least`,
    );
  }
  let checked = false;
  const start = (placement: Placement) => {
    const layout = layoutOf(model, placement, options);
    const startWorker =
      placement.provider === 'cpu' && layout.batch > 1 ? startCpuGroup : startWorkerThread;
    const starting = startWorker({ model, placement, layout, check: !checked }, seams.workerFile);
    return starting.catch(rethrowFrom(placement));
  };
  const { placements, threads, description } = await startWorkers(options, start, seams.host);
  checked = true;
  const { provider } = placements[0];
  const layout = layoutOf(model, placements[0], options);

  const serviceTimes = createServiceTimes(threads[0].speeds);
  const scheduler = createScheduler<Job>({
    now: () => performance.now(),
    serviceTimes,
    queueLimit,
    maxBatch: layout.batch,
    ahead: options.decoders ?? 4,
    defer: setImmediate,
    events: options.events ?? { onQueueDepth: () => undefined, onBatch: () => undefined },
  });
  const runners = new Map<WorkerThread, Runner<Job>>();
  let deviceLost = false;
  /** When the last worker went, if none is up. */
  let emptySince = Infinity;
  /** By worker, why none may come in its place. */
  const reasons = new Map<number, ServiceError>();
  const supervisors = threads.map((thread, index) => {
    const fail = (reason: ServiceError) => {
      reasons.set(index, reason);
      if (reasons.size === threads.length) scheduler.fail(reason);
    };
    return supervise(thread, {
      longestStartMs: seams.longestStartMs ?? longestStartMs,
      longestEndMs: seams.longestEndMs ?? longestEndMs,
      start: () => start(placements[index] as Placement),
      onUp(thread, onRun) {
        const runner = createRunner(thread, onRun);
        runners.set(thread, runner);
        emptySince = Infinity;
        reasons.delete(index);
        scheduler.add(runner);
      },
      onDown(thread) {
        const runner = runners.get(thread);
        runners.delete(thread);
        if (runners.size === 0) emptySince = performance.now();
        if (runner) scheduler.remove(runner);
      },
      onRestart(err, waitMs) {
        if (isDeviceLost(err.message)) {
          deviceLost = true;
          fail(lost('The GPU failed, and this process can use it no more.', err));
        } else if (waitMs >= hopelessWaitMs) fail(noWorker(err, waitMs));
        log?.warn({ err, waitMs }, 'engine worker lost, starting another');
      },
      onStuck(err) {
        fail(lost('The worker of the engine hangs.', err));
        log?.warn({ err }, 'engine worker hangs');
      },
    });
  });

  const describeTaskOf = (size: Size, work: WorkOptions) =>
    describeTask(planFor(size, layout), layout, work);

  function stylizeTaskOf(request: StylizeRequest, work: WorkOptions): Task {
    const { size, newStyles = [], underpainting, frames = 1 } = request;
    const described = newStyles.map((style) => describeTaskOf(style, {}));
    const painted = [...(underpainting ? [underpainting] : []), size].flatMap((size) => {
      const painting = stylizeTask(planFor(size, layout), [], request, layout, {});
      const measured = frames > 1 ? repeated(frames, describeTaskOf(size, {})) : [];
      return [...measured, ...repeated(frames, painting)];
    });
    const before = [...described, ...painted.slice(0, -1)];
    return stylizeTask(planFor(size, layout), before, request, layout, work);
  }

  const turnOf = (turn: Turn<Job>, request: StylizeRequest): StylizeTurn => ({
    signal: turn.signal,
    describe: async (image, work = {}) => {
      const job = describeJob(planFor(image, layout), plain(image));
      return turn.runBefore(describeTaskOf(image, work), job) as Promise<Timed<never>>;
    },
    measure: async (seen) => {
      const job = describeJob(planFor(seen.image, layout), seen);
      const task = describeTaskOf(seen.image, { signal: turn.signal });
      return turn.runBefore(task, job) as Promise<Timed<never>>;
    },
    paint: async (input) => {
      const plan = planFor(input.image, layout);
      const job = stylizeJob(plan, input, request, layout);
      const task = stylizeTask(plan, [], request, layout, { signal: turn.signal });
      return turn.runBefore(task, job) as Promise<Timed<never>>;
    },
  });

  let closed: Promise<void> | undefined;
  return {
    model: model.info,
    provider,
    description,
    // A GPU's sessions have run their largest shapes by now; the CPU's grow with their pictures.
    memoryBytes: provider === 'cpu' ? footprint(layout) : process.memoryUsage.rss(),
    get ready() {
      return !closed && supervisors.some(({ up }) => up);
    },
    get live() {
      const longest = seams.longestStartMs ?? longestStartMs;
      const stuck =
        performance.now() - emptySince >= longest || supervisors.some(({ stuck }) => stuck);
      const hangs = scheduler.longestStepMs() >= (seams.longestRunMs ?? longestRunMs);
      return !deviceLost && !stuck && !hangs;
    },
    async describe(image, options = {}) {
      const job = describeJob(planFor(image, layout), plain(image));
      return scheduler.submitMade(describeTaskOf(image, options), job) as Promise<Timed<never>>;
    },
    assertOpen(options) {
      const smallest = { width: smallestSide, height: smallestSide };
      scheduler.assertOpen(stylizeTaskOf({ size: smallest }, options));
    },
    boundMs(request) {
      const { before = [], steps } = stylizeTaskOf(request, {});
      return serviceTimes.bound([...before.flat(), ...steps]);
    },
    async stylize(request, options, prepare) {
      return scheduler.submit(stylizeTaskOf(request, options), async (turn) => {
        const input = await prepare(turnOf(turn, request));
        return stylizeJob(planFor(request.size, layout), input, request, layout);
      }) as Promise<Timed<never>>;
    },
    close() {
      closed ??= scheduler.close().then(async () => {
        await Promise.all(supervisors.map((supervisor) => supervisor.close()));
      });
      return closed;
    },
  };
}

const repeated = <T>(count: number, one: T) => Array.from({ length: count }, () => one);

function noWorker(cause: Error, waitMs: number): ServiceError {
  const text =
    'The worker of the engine has ended, and no other can be started; that is tried again and again. Send the request to another instance, or come back.';
  return new ServiceError('not_ready', text, { cause, retryAfterSeconds: waitMs / 1000 });
}

/** @param what it is that only another process can mend */
function lost(what: string, cause: Error): ServiceError {
  const text = `${what} Send the request to another instance, or come back when this one has been restarted.`;
  return new ServiceError('not_ready', text, { cause });
}
