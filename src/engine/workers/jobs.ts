/** Requests as the scheduler's tasks and work, and a worker thread as a runner of them. */
import { ServiceError } from '../../errors.ts';
import type { RgbImage, Size } from '../../rgb-image.ts';
import { canvasSize } from '../tiling/canvas.ts';
import { isOnePiece } from '../tiling/layout.ts';
import type { Layout } from '../tiling/layout.ts';
import { smallestSide } from '../model/model.ts';
import { planPainting, stepsOf } from '../inference/tiled-stylize.ts';
import type { Job, Outcome } from './messages.ts';
import type { Runner } from '../scheduling/scheduler.ts';
import type { WorkerThread } from './worker-thread.ts';
import type { Task } from '../scheduling/queue-entry.ts';
import type { StylizeInput, WorkOptions } from '../types.ts';

/** What a worker is sent. */
export type Work =
  | { readonly kind: 'describe'; readonly image: RgbImage }
  | { readonly kind: 'stylize'; readonly input: StylizeInput }
  | { readonly kind: 'tile'; readonly id: number; readonly input: StylizeInput };

/** @throws ServiceError image_too_small */
export function describeTask(layout: Layout, size: Size, options: WorkOptions): Task {
  return { ...singleStep('describe', layout, size, options), accepted: true };
}

/** @throws TypeError when the data do not fit the size */
export function describeWork(image: RgbImage): Work {
  checkData(image, image);
  return { kind: 'describe', image: owned(image) };
}

/** @throws ServiceError image_too_small */
export function stylizeTask(layout: Layout, size: Size, options: WorkOptions): Task {
  if (isOnePiece(size, layout)) return singleStep('stylize', layout, size, options);
  checkSize(size);
  const pixels = size.width * size.height;
  const steps = stepsOf(planPainting(size, layout));
  return { key: undefined, steps, pixels, ...options };
}

let lastId = 0;

/**
 * The work for a task of `size`.
 * @throws TypeError or RangeError for what no form lets through
 */
export function stylizeWork(
  layout: Layout,
  size: Size,
  { image, statistics, alpha, preserveColor }: StylizeInput,
): Work {
  checkData(image, size);
  if (statistics.length !== 2 * layout.channels) {
    throw new TypeError(`statistics must hold 2 · ${layout.channels} numbers`);
  }
  if (!(alpha >= 0 && alpha <= 1)) throw new RangeError('alpha must be between 0 and 1');
  const input = { image: owned(image), statistics, alpha, preserveColor };
  if (isOnePiece(size, layout)) return { kind: 'stylize', input };
  return { kind: 'tile', id: ++lastId, input };
}

/** @param onRun called after every run with why it failed, if it did, and whether a large picture is held */
export function createRunner(
  thread: WorkerThread,
  onRun: (failure: Error | undefined, holding: boolean) => void,
): Runner<Work> {
  const begun = new Set<Work>();
  return {
    async run(items) {
      const [job, buffers] = jobOf(items, begun);
      const outcomes = await thread.run(job, buffers).catch((error: unknown) => {
        onRun(error as Error, false);
        throw error;
      });
      if (outcomes.length > 0) for (const work of items) begun.delete(work);
      onRun(failureOf(outcomes), begun.size > 0);
      return outcomes;
    },
    drop(work) {
      if (work.kind !== 'tile' || !begun.delete(work)) return;
      thread.drop(work.id);
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

function singleStep(
  kind: 'describe' | 'stylize',
  layout: Layout,
  size: Size,
  options: WorkOptions,
): Task {
  checkSize(size);
  const canvas = canvasSize(size, layout);
  const pixels = size.width * size.height;
  return {
    key: pixels <= layout.batchPixels ? `${kind} ${size.width}×${size.height}` : undefined,
    steps: [{ kind, megapixels: (canvas.width * canvas.height) / 1e6 }],
    pixels,
    ...options,
  };
}

function jobOf(work: readonly Work[], begun: Set<Work>): [Job, ArrayBuffer[]] {
  const [first] = work;
  if (first?.kind === 'tile') {
    const { id, input } = first;
    if (begun.has(first)) return [{ kind: 'tile', id }, []];
    begun.add(first);
    return [{ kind: 'tile', id, input }, [input.image.data.buffer]];
  }
  const images = work.map((one) => (one.kind === 'describe' ? one.image : one.input.image));
  const buffers = images.map(({ data }) => data.buffer);
  if (first?.kind === 'describe') return [{ kind: 'describe', items: images }, buffers];
  const items = work.flatMap((one) => (one.kind === 'stylize' ? one.input : []));
  return [{ kind: 'stylize', items }, buffers];
}

function checkSize({ width, height }: Size): void {
  if (Math.min(width, height) >= smallestSide) return;
  throw new ServiceError(
    'image_too_small',
    `The picture has ${width} × ${height} pixels; each side needs at least ${smallestSide}.`,
  );
}

function checkData(image: RgbImage, { width, height }: Size): void {
  const isSize = image.width === width && image.height === height;
  if (!isSize || image.data.length !== 3 * width * height) {
    throw new TypeError(`${width} × ${height} pixels need ${3 * width * height} bytes`);
  }
}

/** Node's Buffers and views into something larger cannot be transferred: those are copied. */
function owned(image: RgbImage): RgbImage {
  const { data } = image;
  const whole = data.byteLength === data.buffer.byteLength && !Buffer.isBuffer(data);
  return whole ? image : { ...image, data: Uint8Array.from(data) };
}
