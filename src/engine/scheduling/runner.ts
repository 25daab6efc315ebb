import type { RgbImage } from '../../rgb-image.ts';
import type { StyleStatistics } from '../types.ts';

export type Outcome = { readonly value: StyleStatistics | RgbImage } | { readonly error: unknown };

/** A worker as the scheduler sees it: one run at a time. */
export interface Runner<J> {
  /**
   * Runs one step of jobs that have one key. Answers with an outcome for each, or with none while a
   * job of several steps is unfinished. Rejects when the runner is lost.
   */
  run(jobs: readonly J[]): Promise<readonly Outcome[]>;
  /** Forgets a job that has begun and will not go on. */
  drop(job: J): void;
}
