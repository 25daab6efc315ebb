import type { WorkerThread } from './worker-thread.ts';

export interface SupervisorOptions {
  /** Rejects with what keeps a worker from starting. */
  readonly start: () => Promise<WorkerThread>;
  /**
   * `onRun` wants to hear of every run, and of large pictures that are given up: why did it fail,
   * does the worker hold a large picture?
   */
  readonly onUp: (
    thread: WorkerThread,
    onRun: (failure: Error | undefined, holding: boolean) => void,
  ) => void;
  /** The thread has ended, or has done badly: it gets no more work. */
  readonly onDown: (thread: WorkerThread) => void;
  readonly onRestart: (reason: Error, waitMs: number) => void;
  /** A replacement that takes longer to start hangs. */
  readonly longestStartMs: number;
}

export interface Supervisor {
  readonly up: boolean;
  /** A replacement hangs while it starts. */
  readonly stuck: boolean;
  /** Ends the worker after the run under way; what hangs is not waited for. */
  close(): Promise<void>;
}

/** A second replacement waits a little, so that one that dies at once does not take a core. */
const firstWaitMs = 250;
/** As often as an operator who looks at the log would try. */
const longestWaitMs = 30_000;

/**
 * Keeps one worker alive. A thread that ended is replaced at once, and after ever longer waits
 * while replacements fail too. A thread with a failed run is replaced as well: after an error of
 * the device or of memory, nothing it holds can be trusted.
 */
export function supervise(first: WorkerThread, options: SupervisorOptions): Supervisor {
  const { start, onUp, onDown, onRestart, longestStartMs } = options;
  let current: WorkerThread | undefined;
  /** The end of the newest thread. */
  let ended: Promise<Error> | undefined;
  let starting: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let stuck = false;
  let closing = false;

  function adopt(thread: WorkerThread): void {
    let worn: Error | undefined;
    current = thread;
    ended = thread.ended;
    onUp(thread, (failure, holding) => {
      if (failure) worn ??= failure;
      else if (!worn) failures = 0;
      if (worn && !holding) {
        retire(thread);
        thread.close();
      }
    });
    void thread.ended.then((reason) => {
      retire(thread);
      if (!closing) restart(worn ?? reason);
    });
  }

  function retire(thread: WorkerThread): void {
    if (current !== thread) return;
    current = undefined;
    onDown(thread);
  }

  function restart(reason: Error): void {
    const waitMs = failures === 0 ? 0 : Math.min(firstWaitMs * 2 ** (failures - 1), longestWaitMs);
    failures++;
    onRestart(reason, waitMs);
    timer = setTimeout(replace, waitMs);
  }

  function replace(): void {
    let limit: NodeJS.Timeout | undefined;
    const overdue = new Promise<void>((resolve) => {
      limit = setTimeout(() => {
        stuck = true;
        resolve();
      }, longestStartMs);
    });
    const started = start()
      .finally(() => {
        clearTimeout(limit);
        stuck = false;
      })
      .then(
        (thread) => {
          adopt(thread);
          if (closing) thread.close();
        },
        (error: unknown) => {
          if (!closing) restart(error as Error);
        },
      );
    starting = Promise.race([started, overdue]);
  }

  adopt(first);
  return {
    get up() {
      return current !== undefined;
    },
    get stuck() {
      return stuck;
    },
    async close() {
      closing = true;
      clearTimeout(timer);
      current?.close();
      await starting;
      await ended;
    },
  };
}
