import { setTimeout } from 'node:timers/promises';

export interface Pace {
  /** At once, at most. */
  readonly most: number;
  readonly signal: AbortSignal;
}

/** After as many successes one more is tried, or a server with a short queue would refuse most of the time. */
const slowest = 10;

/**
 * Works through a list, several at a time. When the server says that it has too much to do, nothing
 * new begins until Retry-After is over, and then half as many at once; each success allows a little
 * more again (additive increase, multiplicative decrease). Settles when all that began has ended.
 * @param work never rejects; calls `busy` with the seconds of Retry-After
 * @throws the signal's reason
 */
export async function eachAtPace<T>(
  items: Iterable<T>,
  { most, signal }: Pace,
  work: (item: T, busy: (seconds: number) => void) => Promise<void>,
): Promise<void> {
  let limit = most;
  let resumeAt = 0;
  const inWork = new Set<Promise<void>>();
  const busy = (seconds: number) => {
    const now = Date.now();
    if (now >= resumeAt) limit = Math.max(1, limit / 2); // of the same moment: one lesson
    resumeAt = Math.max(resumeAt, now + 1000 * seconds);
  };
  const start = (item: T) => {
    const working = work(item, busy).then(() => {
      inWork.delete(working);
      limit = Math.min(most, limit + 1 / Math.max(slowest, limit));
    });
    inWork.add(working);
  };
  try {
    for (const item of items) {
      for (;;) {
        signal.throwIfAborted();
        const pause = resumeAt - Date.now();
        if (inWork.size >= Math.floor(limit)) await Promise.race(inWork);
        else if (pause > 0) await setTimeout(pause, undefined, { signal }).catch(() => undefined);
        else break;
      }
      start(item);
    }
  } finally {
    await Promise.all(inWork);
  }
  signal.throwIfAborted();
}
