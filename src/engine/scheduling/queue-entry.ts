import { ServiceError } from '../../errors.ts';
import type { Step } from './service-times.ts';
import type { Timed } from '../types.ts';

/** What the scheduler must know of a piece of work before it comes. */
export interface Task {
  /** Tasks of one key may run together; a task without one runs alone. */
  readonly key: string | undefined;
  /** One step, or the many of a tiled picture. */
  readonly steps: readonly Step[];
  /** Pixels of the picture. */
  readonly pixels: number;
  /** Part of a request that has a place already: refused neither for want of room nor of time. */
  readonly accepted?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** By the scheduler's clock, in milliseconds. */
  readonly deadline?: number | undefined;
}

/** An accepted task, and its place in the line. */
export interface Ticket<T = unknown> {
  readonly task: Task;
  /** The work itself, once it is there. */
  work: T | undefined;
  /** When the work came, less the time for which it was not yet asked for. */
  arrival: number;
  /** How much later than promised it may end. Used up by those who overtake it. */
  slackMs: number;
  /** Steps done, and the time they took. */
  done: number;
  inferMs: number;
  /** Asks for the work; once is enough. */
  call(): void;
  /** The first call counts. */
  settle(result: Timed<unknown> | ServiceError): void;
}

export const isReady = ({ work }: Ticket): boolean => work !== undefined;
export const isTiled = ({ task }: Ticket): boolean => task.steps.length > 1;

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
