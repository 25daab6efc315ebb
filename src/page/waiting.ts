import type { CallOptions, Progress } from '../client/index.ts';

/** Whoever has the page open waits for as long as it takes. */
const deadlineMs = 3_600_000;

/** A call that says what it waits for, and goes on by itself. */
export function patience(signal: AbortSignal, status: HTMLElement): CallOptions {
  const onProgress = (progress: Progress) => {
    if (signal.aborted) return;
    if (progress.phase === 'waiting') status.textContent = sentence(progress);
    if (progress.phase === 'sending' && progress.attempt > 1) status.textContent = 'Trying again …';
  };
  return { signal, deadlineMs, onProgress };
}

export function sentence({ seconds, problem }: Extract<Progress, { phase: 'waiting' }>): string {
  const why = problem ? problem.title : 'The service does not answer';
  return `${why}. It is tried again in ${seconds} s.`;
}
