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
  /** It hangs between two workers: none may come any more. */
  readonly onStuck: (reason: Error) => void;
  /** A replacement that takes longer to start hangs. */
  readonly longestStartMs: number;
  /** So does one that was told to end while it was idle. */
  readonly longestEndMs: number;
}

export interface Supervisor {
  readonly up: boolean;
  /** A replacement hangs while it starts, or what it is to replace while it ends. */
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
  const { start, onUp, onDown, onRestart, onStuck, longestStartMs, longestEndMs } = options;
  let current: WorkerThread | undefined;
  /** The end of the newest thread, unless that hangs. */
  let ended: Promise<unknown> | undefined;
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
      if (worn && !holding && current === thread) {
        retire(thread);
        thread.close();
        ended = limited(thread.ended, longestEndMs, 'The worker ends');
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
    const started = start().then(
      (thread) => {
        adopt(thread);
        if (closing) thread.close();
      },
      (error: unknown) => {
        if (!closing) restart(error as Error);
      },
    );
    starting = limited(started, longestStartMs, 'A worker starts');
  }

  /** Resolves when the work has, or hangs. */
  function limited(work: Promise<unknown>, longestMs: number, what: string): Promise<void> {
    return new Promise((resolve) => {
      const limit = setTimeout(() => {
        stuck = true;
        if (!closing) onStuck(new Error(`${what}, and has not in ${longestMs / 1000} s`));
        resolve();
      }, longestMs);
      void work.then(() => {
        clearTimeout(limit);
        stuck = false;
        resolve();
      });
    });
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
