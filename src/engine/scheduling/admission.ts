/** Who gets a place in the line, and when those who don't should come back. */
import { ServiceError } from '../../errors.ts';
import { finishOf } from './completion-time.ts';
import type { Line } from './dispatch.ts';
import type { Rates } from './service-times.ts';
import { clientClosed, deadlineExceeded } from './queue-entry.ts';
import type { Task, Ticket } from './queue-entry.ts';
import { createTurns } from './retry-after.ts';

export interface AdmissionOptions {
  /** Milliseconds, the clock of the deadlines. */
  readonly now: () => number;
  readonly rates: Rates;
  readonly queueLimit: number;
  readonly maxBatch: number;
}

export interface Admission {
  /**
   * Refuses what cannot be done in time, unless the engine is `idle`.
   * @returns milliseconds to spare
   * @throws ServiceError `overloaded`, `deadline_exceeded`, `client_closed`
   */
  admit(task: Task, waiting: readonly Ticket[], lines: readonly Line[], idle: boolean): number;
  /** From now on the engine is busy, or idle. */
  note(busy: boolean): void;
}

/** Refused clients are told to come back one after another, but not later than this. */
const longestRetryMs = 60_000;

/** The share of its time that a refused client finds free when it comes back: estimates may grow. */
const returnersRoom = 0.25;

/** The share of a wait that may be kept free for batches. */
const companyShare = 0.25;

export function createAdmission(options: AdmissionOptions): Admission {
  const { now, rates, queueLimit, maxBatch } = options;
  const turns = createTurns(longestRetryMs);

  /** What a long wait must leave, so that the line can be worked off in batches, which are faster. */
  function roomForCompany({ key, steps }: Task, waitMs: number): number {
    const othersMs = key === undefined ? 0 : (maxBatch - 1) * rates.estimate(steps);
    return Math.min(othersMs, companyShare * waitMs);
  }

  function overloaded(task: Task, earliest: number, runners: number): ServiceError {
    // Retry-After has whole seconds, so clients come back in heaps, and the last of a heap needs room.
    const ms = (1.35 * rates.estimate(task.steps)) / Math.max(1, runners);
    const retryAfterSeconds = (turns.keep(now(), earliest, ms) - now()) / 1000;
    const text = 'Too many pictures are waiting: come back later.';
    return new ServiceError('overloaded', text, { retryAfterSeconds });
  }

  return {
    admit(task, waiting, lines, idle) {
      const { deadline = Infinity } = task;
      const time = now();
      if (task.signal?.aborted) throw clientClosed();
      if (time >= deadline) throw deadlineExceeded();
      const finish = finishOf(task.steps, waiting, lines, rates, time);
      if (task.accepted) return deadline - finish;
      const ownMs = rates.bound(task.steps);
      if (waiting.length >= queueLimit) throw overloaded(task, finish - ownMs, lines.length);
      const promise = finish + roomForCompany(task, finish - time);
      // An idle engine tries everything: how else would it learn that it has become faster?
      if (promise > deadline && !idle) {
        if (time + ownMs > deadline) throw deadlineExceeded(); // a later time would not be better
        const patience = (1 - returnersRoom) * (deadline - time);
        throw overloaded(task, finish - Math.max(ownMs, patience), lines.length);
      }
      return deadline - finish;
    },
    note(busy) {
      turns.note(now(), busy);
    },
  };
}
