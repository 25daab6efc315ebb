/**
 * Runs what was asked for last: once nothing new has been asked for some time, and what ran before
 * is aborted.
 */
export function createLatest(run: (signal: AbortSignal) => Promise<void>, delayMs: number) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: AbortController | undefined;
  const cancel = () => {
    clearTimeout(timer);
    running?.abort();
  };
  return {
    cancel,
    ask(soon = delayMs): void {
      cancel();
      timer = setTimeout(() => {
        running = new AbortController();
        void run(running.signal);
      }, soon);
    },
  };
}
