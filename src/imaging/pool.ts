/**
 * The share of libuv's pool that pictures may take. All but one of its threads decode and encode; the
 * one left reads headers and files, which must not wait behind pictures.
 */
export interface Pool {
  /** Pictures that are decoded or encoded at once. */
  readonly width: number;
  /**
   * Runs work that takes a thread for long, when one is free, in the order of the calls. Rejects with
   * the signal's reason if that has fired by then.
   */
  readonly run: <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T>;
  /** As `run`, before all that wait: for little work that must not wait behind uploads. */
  readonly runNext: <T>(work: () => Promise<T>) => Promise<T>;
  /** Runs work that takes a thread for a moment. */
  readonly runShort: <T>(work: () => Promise<T>) => Promise<T>;
  /** What has begun and not ended. */
  readonly inWork: number;
  /** Something has been in work for far longer than any sound picture takes. */
  readonly stuck: boolean;
}

/** Four times what a decode may take; sharp keeps to that between rows only. */
export const stuckAfterSeconds = 120;

/** `threads`: those of libuv's pool, from 1; a pool of one has none to leave free. */
export function createPool(threads: number, now = () => performance.now()): Pool {
  const width = Math.max(1, threads - 1);
  const begun = new Set<{ readonly at: number }>();
  const waiting: (() => void)[] = [];
  let free = width;

  async function watch<T>(work: () => Promise<T>): Promise<T> {
    const entry = { at: now() };
    begun.add(entry);
    try {
      return await work();
    } finally {
      begun.delete(entry);
    }
  }

  async function take<T>(enter: (begin: () => void) => void, work: () => Promise<T>): Promise<T> {
    if (free > 0) free--;
    else await new Promise<void>(enter);
    try {
      return await watch(work);
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  }

  return {
    width,
    run: (work, signal) =>
      take(
        (begin) => waiting.push(begin),
        async () => {
          signal?.throwIfAborted();
          return work();
        },
      ),
    runNext: (work) => take((begin) => waiting.unshift(begin), work),
    runShort: watch,
    get inWork() {
      return begun.size;
    },
    get stuck() {
      const [oldest] = begun; // in the order of their begin
      return oldest !== undefined && now() - oldest.at > stuckAfterSeconds * 1000;
    },
  };
}

/** libuv's own variable and default; src/config.ts has made sure that it is a number. */
const threads = Number(process.env['UV_THREADPOOL_SIZE']) || 4;

/** Of this process: sharp and libuv have one of everything. */
export const pool = createPool(threads);
