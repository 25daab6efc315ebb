import { ServiceError } from '../../errors.ts';
import type { Step } from '../tiling/plan.ts';
import type { Timed } from '../types.ts';
import { deferred } from './deferred.ts';

/** What the scheduler must know of a job before it is there. */
export interface Task {
  /** Tasks of one key may run together; a task without one runs alone. */
  readonly key: string | undefined;
  /** One step, or the many of a tiled picture. */
  readonly steps: readonly Step[];
  /**
   * The steps of each task that it will ask for before its own can run: descriptions of new styles,
   * an underpainting, other frames.
   */
  readonly before?: readonly (readonly Step[])[];
  /** Pixels of the picture. */
  readonly pixels: number;
  readonly signal?: AbortSignal | undefined;
  /** By the scheduler's clock, in milliseconds. */
  readonly deadline?: number | undefined;
}

/** What a task may do while its job is prepared. */
export interface Turn<J> {
  /** Fires when the task is dropped, and nobody wants the job any more. */
  readonly signal: AbortSignal;
  /**
   * Queues one of the tasks of `before`, in front of this one; it is never refused. One with a signal of
   * its own may be wanted by others, and outlives this one.
   */
  readonly runBefore: (task: Task, job: J) => Promise<Timed<unknown>>;
}

/** Makes the job, when its turn is near: pixels that are decoded earlier only fill the memory. */
export type Prepare<J> = (turn: Turn<J>) => J | Promise<J>;

/** An accepted task, and its way through the queue. */
export interface QueueEntry<J = unknown> {
  readonly task: Task;
  /** Whether it is one of those before another task, which holds the reservation. */
  readonly isPart: boolean;
  /** Whether its job was there when it came; parts' are. */
  readonly isMade: boolean;
  /** Of those before it, the ones that are not in the queue yet. */
  announced: readonly (readonly Step[])[];
  /** The job, once it is prepared. */
  job: J | undefined;
  /** When it came, later by the time that preparing took. */
  arrival: number;
  /** How much later than estimated it may end. Used up by those who overtake it. */
  slackMs: number;
  /** Steps done, and the time they took. */
  done: number;
  inferMs: number;
  /** Makes the job; only the first call does. */
  prepare(): Promise<void>;
  /** The first call counts. An error reaches the caller when preparing has ended. */
  settle(result: Timed<unknown> | Error): void;
}

export interface EntryOptions<J> {
  readonly now: () => number;
  readonly slackMs: number;
  readonly isPart: boolean;
  readonly isMade: boolean;
  /** The job is there. */
  readonly onPrepared: () => void;
  /** The job cannot be made. */
  readonly onFailed: (error: Error) => void;
  /** A task of `before` is wanted. */
  readonly onPart: (task: Task, job: J) => Promise<Timed<unknown>>;
  /** The entry has its answer; it lingers while its job is still being prepared. */
  readonly onSettled: (lingers: boolean) => void;
  /** Preparing for nobody has ended. */
  readonly onLingerEnd: () => void;
}

export interface CreatedEntry<J> {
  readonly entry: QueueEntry<J>;
  /** What the caller waits for. */
  readonly result: Promise<Timed<unknown>>;
}

export function createEntry<J>(
  task: Task,
  prepare: Prepare<J>,
  options: EntryOptions<J>,
): CreatedEntry<J> {
  const { now, slackMs, isPart, isMade } = options;
  const result = deferred<Timed<unknown>>();
  const dropped = new AbortController();
  let state: 'waiting' | 'preparing' | 'prepared' = 'waiting';
  let isSettled = false;

  const turn: Turn<J> = {
    signal: dropped.signal,
    runBefore(part, job) {
      const { signal = dropped.signal } = part;
      if (signal.aborted) return Promise.reject(signal.reason as Error);
      if (state !== 'preparing' && !dropped.signal.aborted)
        throw new Error('A task before another comes while it is prepared');
      const [kind, work] = [kindOf(part.steps), megapixelsOf(part.steps)];
      const at = entry.announced.findIndex(
        (steps) => kindOf(steps) === kind && megapixelsOf(steps) === work,
      );
      if (at >= 0) entry.announced = entry.announced.toSpliced(at, 1);
      return options.onPart(part, job);
    },
  };

  async function makeJob(): Promise<{ readonly job: J } | { readonly error: Error }> {
    try {
      return { job: await prepare(turn) };
    } catch (error) {
      return { error: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  const entry: QueueEntry<J> = {
    ...{ task, isPart, isMade, slackMs, announced: task.before ?? [] },
    ...{ job: undefined, arrival: now(), done: 0, inferMs: 0 },
    async prepare() {
      if (state !== 'waiting' || isSettled) return;
      state = 'preparing';
      const begin = now();
      const made = await makeJob();
      state = 'prepared';
      if (dropped.signal.aborted) {
        result.reject(dropped.signal.reason as Error);
        options.onLingerEnd();
      } else if ('error' in made) options.onFailed(made.error);
      else {
        entry.job = made.job;
        entry.announced = [];
        entry.arrival += now() - begin;
        options.onPrepared();
      }
    },
    settle(outcome) {
      if (isSettled) return;
      isSettled = true;
      const lingers = state === 'preparing';
      options.onSettled(lingers);
      if (!(outcome instanceof Error)) result.resolve(outcome);
      else {
        dropped.abort(outcome);
        if (!lingers) result.reject(outcome);
      }
    },
  };
  return { entry, result: result.promise };
}

const kindOf = ([first]: readonly Step[]) => first?.kind;

function megapixelsOf(steps: readonly Step[]): number {
  return steps.reduce((sum, { megapixels }) => sum + megapixels, 0);
}

export const isReady = ({ job }: { readonly job: unknown }): boolean => job !== undefined;
export const isTiled = ({ task }: { readonly task: Task }): boolean => task.steps.length > 1;

export function clientClosed(): ServiceError {
  return new ServiceError('client_closed', 'The client closed the connection.');
}

export function deadlineExceeded(): ServiceError {
  const text =
    'The picture cannot be done in the time allowed. Ask for a smaller size, or allow more time.';
  return new ServiceError('deadline_exceeded', text);
}

export function inferenceFailed(cause: unknown): ServiceError {
  return new ServiceError('inference_failed', 'The picture could not be computed.', { cause });
}
