/** When refused clients should come back: one after another, as the engine has time for them. */
export interface RetrySchedule {
  /**
   * Reserves `ms` milliseconds for a client that comes back, and says when they begin.
   * @param earliest before that time a client would be refused again
   */
  reserve(now: number, earliest: number, ms: number): number;
  /** From now on the engine is busy, or idle. */
  noteBusy(now: number, busy: boolean): void;
}

/**
 * The engine's use over about so long tells how many clients come back: a few runs of the slowest
 * devices, and short beside a usual Retry-After.
 */
const memoryMs = 2000;

/**
 * Reservations follow one another without a gap, since whoever comes early only waits in a longer
 * queue. But not every client comes back: where the engine is idle while reservations are due,
 * nobody used them. What is left of the schedule then counts only by the share that was used of late.
 *
 * @param longestMs nobody is sent away for longer; later ones share the times of earlier ones
 */
export function createRetrySchedule(longestMs: number): RetrySchedule {
  let begin = 0;
  let end = 0;
  let used = 1;
  let since = 0;
  let busy = false;

  function account(now: number): void {
    const due = Math.min(now, end) - Math.max(since, begin);
    if (due > 0) used += (1 - Math.exp(-due / memoryMs)) * (Number(busy) - used);
    since = now;
  }

  return {
    reserve(now, earliest, ms) {
      account(now);
      if (end <= now) {
        begin = end = Math.max(now, earliest);
        used = 1;
      }
      let start = Math.max(now, earliest, now + used * (end - now));
      if (start > now + longestMs) start = end = Math.min(Math.max(now, earliest), now + longestMs);
      end = Math.max(end, start) + ms;
      return start;
    },
    noteBusy(now, isBusy) {
      account(now);
      busy = isBusy;
    },
  };
}
