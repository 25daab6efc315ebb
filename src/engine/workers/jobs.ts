/** Requests as the scheduler's tasks and jobs, and a worker thread as a runner of them. */
import { ServiceError } from '../../errors.ts';
import { smallestSide } from '../../rgb-image.ts';
import type { RgbImage, Size } from '../../rgb-image.ts';
import type { Task } from '../scheduling/queue-entry.ts';
import type { Outcome, Runner } from '../scheduling/runner.ts';
import type { Layout } from '../tiling/layout.ts';
import { describeStep, planPicture, stylizeSteps } from '../tiling/plan.ts';
import type { Plan } from '../tiling/plan.ts';
import { area } from '../tiling/rectangle.ts';
import { maxStyles } from '../types.ts';
import type { Seen, StylizeInput, StylizeRequest, WorkOptions } from '../types.ts';
import type { RunMessage } from './messages.ts';
import type { WorkerThread } from './worker-thread.ts';

/** What a worker computes for one request. */
export type Job =
  | { readonly kind: 'describe'; readonly plan: Plan; readonly seen: Seen }
  | { readonly kind: 'stylize'; readonly plan: Plan; readonly input: StylizeInput }
  | {
      readonly kind: 'tile';
      readonly plan: Plan;
      readonly input: StylizeInput;
      readonly id: number;
    };

/** @throws ServiceError image_too_small */
export function planFor(size: Size, layout: Layout): Plan {
  const { width, height } = size;
  if (Math.min(width, height) < smallestSide) {
    throw new ServiceError(
      'image_too_small',
      `The picture has ${width} × ${height} pixels; each side needs at least ${smallestSide}.`,
    );
  }
  return planPicture(size, layout);
}

export function describeTask(plan: Plan, layout: Layout, options: WorkOptions): Task {
  return { ...taskOf('describe', plan, layout, options), steps: [describeStep(plan)] };
}

/** @throws TypeError when the data do not fit the size */
export function describeJob(plan: Plan, { image, alpha, shares }: Seen): Job {
  checkData(image, plan.size);
  if (shares) stylesOf(shares, plan);
  const seen = { image: owned(image), alpha, ...(shares && { shares: ownedData(shares) }) };
  return { kind: 'describe', plan, seen };
}

/** What is known of an input before it is there. */
type Announced = Pick<StylizeRequest, 'byPlace' | 'frames'>;

const hasContent = ({ frames = 1 }: Announced) => frames > 1;

/** @param before what must be done first */
export function stylizeTask(
  plan: Plan,
  before: readonly Task[],
  announced: Announced,
  layout: Layout,
  options: WorkOptions,
): Task {
  const isAlone = announced.byPlace === true || hasContent(announced);
  return {
    ...taskOf('stylize', plan, layout, options),
    ...(isAlone && { key: undefined }),
    steps: stylizeSteps(plan, hasContent(announced)),
    before: before.map(({ steps }) => steps),
  };
}

let lastId = 0;

/** @throws TypeError or RangeError for what no form lets through, and for what was not announced */
export function stylizeJob(
  plan: Plan,
  { image, photograph, statistics, alpha, color, coverage, shares, content }: StylizeInput,
  announced: Announced,
  { channels }: Layout,
): Job {
  checkData(image, plan.size);
  if (photograph) checkData(photograph, plan.size);
  const { width, height } = plan.size;
  if (coverage && coverage.length !== width * height) {
    throw new TypeError(`coverage must hold ${width * height} bytes`);
  }
  if (Boolean(announced.byPlace) !== Boolean(shares)) {
    throw new TypeError('shares come where byPlace says so');
  }
  if (hasContent(announced) !== Boolean(content)) {
    throw new TypeError('content comes where frames says so');
  }
  if (content && content.length !== 2 * channels) {
    throw new TypeError(`content must hold 2 · ${channels} numbers`);
  }
  const styles = shares ? stylesOf(shares, plan) : 1;
  if (statistics.length !== styles * 2 * channels) {
    throw new TypeError(`statistics must hold ${styles} · 2 · ${channels} numbers`);
  }
  if (!(alpha >= 0 && alpha <= 1)) throw new RangeError('alpha must be between 0 and 1');
  const input = {
    ...{ image: owned(image), statistics, alpha, color },
    ...(photograph && { photograph: owned(photograph) }),
    ...(coverage && { coverage: ownedData(coverage) }),
    ...(shares && { shares: ownedData(shares) }),
    ...(content && { content }),
  };
  return plan.tiles
    ? { kind: 'tile', plan, input, id: ++lastId }
    : { kind: 'stylize', plan, input };
}

/** @param onRun called after every run with why it failed, if it did, and whether a large picture is held */
export function createRunner(
  thread: WorkerThread,
  onRun: (failure: Error | undefined, holding: boolean) => void,
): Runner<Job> {
  const begun = new Set<Job>();
  const send = async (jobs: readonly Job[]) => thread.run(messageOf(jobs, begun));
  return {
    async run(jobs) {
      const outcomes = await send(jobs).catch((error: unknown) => {
        onRun(error as Error, false);
        throw error;
      });
      if (outcomes.length > 0) for (const job of jobs) begun.delete(job);
      onRun(failureOf(outcomes), begun.size > 0);
      return outcomes;
    },
    drop(job) {
      if (job.kind !== 'tile' || !begun.delete(job)) return;
      thread.drop(job.id);
      // Not before the scheduler, which drops it while it looks for what to run, has chosen.
      queueMicrotask(() => {
        onRun(undefined, begun.size > 0);
      });
    },
  };
}

function failureOf(outcomes: readonly Outcome[]): Error | undefined {
  const failed = outcomes.find((outcome) => 'error' in outcome);
  if (!failed) return undefined;
  const { error } = failed;
  return new Error(`A run failed: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}

/** Pictures of one size run together; large ones and those in tiles run alone. */
function taskOf(
  kind: 'describe' | 'stylize',
  { size: { width, height }, tiles }: Plan,
  { batchPixels }: Layout,
  options: WorkOptions,
): Omit<Task, 'steps'> {
  const pixels = width * height;
  const alone = pixels > batchPixels || (tiles && kind === 'stylize');
  return { key: alone ? undefined : `${kind} ${width}×${height}`, pixels, ...options };
}

function messageOf(jobs: readonly Job[], begun: Set<Job>): RunMessage {
  const [first] = jobs as [Job, ...Job[]];
  const { plan } = first;
  if (first.kind === 'tile') {
    const { id, input } = first;
    if (begun.has(first)) return { kind: 'tile', id };
    begun.add(first);
    return { kind: 'tile', id, picture: { plan, input } };
  }
  if (first.kind === 'describe') {
    const items = jobs.flatMap((job) => (job.kind === 'describe' ? job.seen : []));
    return { kind: 'describe', plan, items };
  }
  const items = jobs.flatMap((job) => (job.kind === 'stylize' ? job.input : []));
  return { kind: 'stylize', plan, items };
}

/** K of shares, float32 [K, h, w]. */
function stylesOf(shares: Float32Array, { features }: Plan): number {
  const styles = shares.length / area(features);
  if (!(Number.isInteger(styles) && styles >= 1 && styles <= maxStyles)) {
    throw new TypeError(`shares must hold 1 to ${maxStyles} · ${area(features)} numbers`);
  }
  return styles;
}

function checkData(image: RgbImage, { width, height }: Size): void {
  const isSize = image.width === width && image.height === height;
  if (!isSize || image.data.length !== 3 * width * height) {
    throw new TypeError(`${width} × ${height} pixels need ${3 * width * height} bytes`);
  }
}

function owned(image: RgbImage): RgbImage {
  return { ...image, data: ownedData(image.data) };
}

/** Node's Buffers and views into something larger cannot be transferred: those are copied. */
function ownedData<T extends Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>>(data: T): T {
  if (Buffer.isBuffer(data)) return Uint8Array.from(data) as T; // its slice would be a view
  return data.byteLength === data.buffer.byteLength ? data : (data.slice() as T);
}
