/** When refused clients should come back: one after another, as the engine has time for them. */
export interface Turns {
  /**
   * Keeps a turn of `ms` milliseconds, and says when it begins.
   * @param earliest before that time a client would be refused again
   */
  keep(now: number, earliest: number, ms: number): number;
  /** From now on the engine is busy, or idle. */
  note(now: number, busy: boolean): void;
}

/** The engine's use over about so long tells how many clients come back. */
const memoryMs = 2000;

/**
 * Turns follow one another without a gap, since whoever comes early only waits in a longer line.
 * But not every client comes back: where the engine is idle while turns are due, nobody took them.
 * What is left of the line then counts only by the share that was taken of late.
 *
 * @param longestMs nobody is sent away for longer; later ones share the turns of earlier ones
 */
export function createTurns(longestMs: number): Turns {
  let begin = 0;
  let end = 0;
  let taken = 1;
  let since = 0;
  let busy = false;

  function account(now: number): void {
    const due = Math.min(now, end) - Math.max(since, begin);
    if (due > 0) taken += (1 - Math.exp(-due / memoryMs)) * (Number(busy) - taken);
    since = now;
  }

  return {
    keep(now, earliest, ms) {
      account(now);
      if (end <= now) {
        begin = end = Math.max(now, earliest);
        taken = 1;
      }
      let start = Math.max(now, earliest, now + taken * (end - now));
      if (start > now + longestMs) start = end = Math.min(Math.max(now, earliest), now + longestMs);
      end = Math.max(end, start) + ms;
      return start;
    },
    note(now, isBusy) {
      account(now);
      busy = isBusy;
    },
  };
}
