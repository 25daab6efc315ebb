/** Who gets a place in the queue, and when those who don't should come back. */
import { ServiceError } from '../../errors.ts';
import { completionTime } from './completion-time.ts';
import type { Slot } from './completion-time.ts';
import { clientClosed, deadlineExceeded } from './queue-entry.ts';
import type { QueueEntry, Task } from './queue-entry.ts';
import { createRetrySchedule } from './retry-after.ts';
import type { ServiceTimes } from './service-times.ts';

export interface AdmissionOptions {
  /** Milliseconds, the clock of the deadlines. */
  readonly now: () => number;
  readonly serviceTimes: ServiceTimes;
  readonly queueLimit: number;
  readonly maxBatch: number;
}

export interface Admission {
  /**
   * Refuses what cannot be done in time, unless the engine is `idle`.
   * @param likely what the client is expected to come back with; the task itself, if it is known
   * @returns milliseconds to spare
   * @throws ServiceError `overloaded`, `deadline_exceeded`, `client_closed`
   */
  admit(
    task: Task,
    queue: readonly QueueEntry[],
    slots: readonly Slot[],
    idle: boolean,
    likely?: Task,
  ): number;
  /** From now on the engine is busy, or idle. */
  noteBusy(busy: boolean): void;
}

/** Refused clients come back one after another, but not later: few of them wait for longer. */
const longestRetryMs = 60_000;

/** The share of its time that a refused client finds free when it comes back: estimates may grow. */
const returnHeadroom = 0.25;

/**
 * The share of a wait that may be kept free for batches: more would refuse who could be served
 * (src/DECISIONS.md).
 */
const batchHeadroom = 0.25;

/**
 * Retry-After has whole seconds, so clients come back in heaps, and the last of a heap needs time
 * (src/DECISIONS.md).
 */
const retrySpacing = 1.35;

export function createAdmission(options: AdmissionOptions): Admission {
  const { now, serviceTimes, queueLimit, maxBatch } = options;
  const retries = createRetrySchedule(longestRetryMs);

  /** What a long wait must leave, so that the queue can be worked off in batches, which are faster. */
  function headroomForBatches({ key, steps }: Task, waitMs: number): number {
    const othersMs = key === undefined ? 0 : (maxBatch - 1) * serviceTimes.estimate(steps);
    return Math.min(othersMs, batchHeadroom * waitMs);
  }

  function overloaded(task: Task, earliest: number, runners: number): ServiceError {
    const ms = (retrySpacing * serviceTimes.estimate(allSteps(task))) / Math.max(1, runners);
    const retryAfterSeconds = (retries.reserve(now(), earliest, ms) - now()) / 1000;
    const text = 'Too many pictures are waiting: come back later.';
    return new ServiceError('overloaded', text, { retryAfterSeconds });
  }

  return {
    admit(task, queue, slots, idle, likely = task) {
      const { deadline = Infinity } = task;
      const time = now();
      if (task.signal?.aborted) throw clientClosed();
      if (time >= deadline) throw deadlineExceeded();
      const finish = completionTime(task, queue, slots, serviceTimes, time);
      const ownMs = serviceTimes.bound(allSteps(task));
      const requests = queue.filter(({ isPart }) => !isPart).length;
      if (requests >= queueLimit) throw overloaded(likely, finish - ownMs, slots.length);
      const latest = finish + headroomForBatches(task, finish - time);
      // An idle engine tries everything: how else would it learn that it has become faster?
      if (latest > deadline && !idle) {
        if (time + ownMs > deadline) throw deadlineExceeded(); // a later time would not be better
        const patience = (1 - returnHeadroom) * (deadline - time);
        throw overloaded(likely, finish - Math.max(ownMs, patience), slots.length);
      }
      return deadline - finish;
    },
    noteBusy(busy) {
      retries.noteBusy(now(), busy);
    },
  };
}

function allSteps({ before = [], steps }: Task) {
  return [...before.flat(), ...steps];
}
