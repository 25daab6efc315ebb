/** Requests as tasks for the scheduler, and a worker thread as a runner of them. */
import { ServiceError } from '../errors.ts';
import type { RgbImage } from '../rgb-image.ts';
import { smallestSide } from './model.ts';
import type { Model } from './model.ts';
import { planPainting, stepsOf } from './painting.ts';
import type { Job, Outcome } from './protocol.ts';
import type { Runner } from './scheduler.ts';
import type { WorkerThread } from './thread.ts';
import type { Task } from './ticket.ts';
import { canvasSize } from './tiles.ts';
import type { StylizeInput, WorkOptions } from './types.ts';

export type EngineTask = Task &
  (
    | { readonly kind: 'describe'; readonly image: RgbImage }
    | { readonly kind: 'stylize'; readonly input: StylizeInput }
    | { readonly kind: 'tile'; readonly id: number; readonly input: StylizeInput }
  );

/** @throws ServiceError image_too_small, or TypeError when the data do not fit the size */
export function describeTask(model: Model, image: RgbImage, options: WorkOptions): EngineTask {
  checkImage(image);
  return {
    kind: 'describe',
    image: owned(image),
    ...singleStep('describe', model, image, options),
  };
}

let lastId = 0;

/** @throws ServiceError image_too_small, TypeError or RangeError for what no form lets through */
export function stylizeTask(
  model: Model,
  { image, statistics, alpha, preserveColor }: StylizeInput,
  tilePixels: number,
  options: WorkOptions,
): EngineTask {
  checkImage(image);
  if (statistics.length !== 2 * model.channels) {
    throw new TypeError(`statistics must hold 2 · ${model.channels} numbers`);
  }
  if (!(alpha >= 0 && alpha <= 1)) throw new RangeError('alpha must be between 0 and 1');
  const input = { image: owned(image), statistics, alpha, preserveColor };
  const pixels = image.width * image.height;
  if (pixels <= tilePixels) {
    return { kind: 'stylize', input, ...singleStep('stylize', model, image, options) };
  }
  const id = ++lastId;
  const steps = stepsOf(planPainting(image, model, tilePixels));
  return { kind: 'tile', id, input, key: `tile ${id}`, steps, pixels, ...options };
}

/** @param onRun called after every run with whether it succeeded and a large picture is held */
export function createRunner(
  thread: WorkerThread,
  onRun: (succeeded: boolean, holding: boolean) => void,
): Runner<EngineTask> {
  const begun = new Set<EngineTask>();
  return {
    async run(tasks) {
      const [job, buffers] = jobOf(tasks, begun);
      const outcomes = await thread.run(job, buffers);
      if (outcomes.length > 0) for (const task of tasks) begun.delete(task);
      onRun(
        outcomes.every((outcome: Outcome) => 'value' in outcome),
        begun.size > 0,
      );
      return outcomes;
    },
    drop(task) {
      if (task.kind === 'tile' && begun.delete(task)) thread.drop(task.id);
    },
  };
}

function singleStep(
  kind: 'describe' | 'stylize',
  { margin, stride }: Model,
  { width, height }: RgbImage,
  options: WorkOptions,
): Task {
  const canvas = canvasSize({ width, height }, margin, stride);
  return {
    key: `${kind} ${width}×${height}`,
    steps: [{ kind, megapixels: (canvas.width * canvas.height) / 1e6 }],
    pixels: width * height,
    ...options,
  };
}

function jobOf(tasks: readonly EngineTask[], begun: Set<EngineTask>): [Job, ArrayBuffer[]] {
  const [first] = tasks;
  if (first?.kind === 'tile') {
    const { id, input } = first;
    if (begun.has(first)) return [{ kind: 'tile', id }, []];
    begun.add(first);
    return [{ kind: 'tile', id, input }, [input.image.data.buffer]];
  }
  const images = tasks.map((task) => (task.kind === 'describe' ? task.image : task.input.image));
  const buffers = images.map(({ data }) => data.buffer);
  if (first?.kind === 'describe') return [{ kind: 'describe', items: images }, buffers];
  const items = tasks.flatMap((task) => (task.kind === 'stylize' ? task.input : []));
  return [{ kind: 'stylize', items }, buffers];
}

function checkImage({ width, height, data }: RgbImage): void {
  if (Math.min(width, height) < smallestSide) {
    throw new ServiceError(
      'image_too_small',
      `The picture has ${width} × ${height} pixels; each side needs at least ${smallestSide}.`,
    );
  }
  if (data.length !== 3 * width * height) {
    throw new TypeError(`${width} × ${height} pixels need ${3 * width * height} bytes`);
  }
}

/** Node's Buffers and views into something larger cannot be transferred: those are copied. */
function owned(image: RgbImage): RgbImage {
  const { data } = image;
  const whole = data.byteLength === data.buffer.byteLength && !Buffer.isBuffer(data);
  return whole ? image : { ...image, data: Uint8Array.from(data) };
}
