import { availableParallelism } from 'node:os';
import { ServiceError } from '../errors.ts';
import { loadModel } from './model.ts';
import { startThread } from './thread.ts';
import type { Engine, EngineEvents, Timed, WorkOptions } from './types.ts';
import type { Command, Outcome } from './protocol.ts';

export interface EngineOptions {
  readonly modelsDir: string;
  readonly device: string;
  readonly threads?: number;
  /** How many requests may wait. */
  readonly queueLimit: number;
  readonly maxBatch: number;
  /** Pictures with more pixels are painted in tiles of at most as many. */
  readonly tilePixels: number;
  readonly events?: Partial<EngineEvents>;
}

export async function createEngine(options: EngineOptions): Promise<Engine> {
  const model = await loadModel(options.modelsDir);
  const threads = options.threads ?? availableParallelism();
  const placement = { provider: 'cpu', ordinal: 0, threads } as const;
  const thread = await startThread({ model, placement });

  let tail: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let closing = false;

  function enqueue<T>(
    command: Exclude<Command, { kind: 'close' }>,
    pixels: number,
    buffers: ArrayBuffer[],
    { signal, deadline }: WorkOptions,
  ): Promise<Timed<T>> {
    if (closing) throw new ServiceError('closing', 'The service is shutting down');
    if (waiting >= options.queueLimit) {
      throw new ServiceError('overloaded', 'Too many pictures are waiting', {
        retryAfterSeconds: 1,
      });
    }
    const arrival = performance.now();
    options.events?.onQueueDepth?.(++waiting);
    const result = tail.then(async () => {
      options.events?.onQueueDepth?.(--waiting);
      const queueMs = performance.now() - arrival;
      if (signal?.aborted) throw new ServiceError('client_closed', 'The client went away');
      if (deadline !== undefined && performance.now() > deadline) {
        throw new ServiceError('deadline_exceeded', 'The deadline passed while waiting');
      }
      options.events?.onBatch?.({ size: 1, pixels, queueMs: [queueMs] });
      const { outcomes, ms } = await thread.run(command, buffers);
      const [outcome] = outcomes as [Outcome];
      if ('error' in outcome) {
        throw new ServiceError('inference_failed', 'The picture could not be computed', {
          cause: outcome.error,
        });
      }
      return { value: outcome.value as T, queueMs, inferMs: ms, batchSize: 1 };
    });
    tail = result.catch(() => undefined);
    return result;
  }

  const engine: Engine = {
    model: model.info,
    provider: 'cpu',
    description: `CPU, ${threads} threads`,
    ready: true,
    live: true,
    async describe(image, work = {}) {
      const { width, height, data } = image;
      return enqueue({ kind: 'describe', items: [image] }, width * height, [data.buffer], work);
    },
    async stylize(input, work = {}) {
      const { width, height, data } = input.image;
      return enqueue({ kind: 'stylize', items: [input] }, width * height, [data.buffer], work);
    },
    async close() {
      closing = true;
      await tail;
      await thread.close();
    },
  };

  const pixels = () => ({ width: 64, height: 64, data: new Uint8Array(64 * 64 * 3) });
  const { value: statistics } = await engine.describe(pixels());
  await engine.stylize({ image: pixels(), statistics, alpha: 1, preserveColor: false });
  return engine;
}
