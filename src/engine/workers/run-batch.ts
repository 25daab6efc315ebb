import type { Executor } from '../inference/executor.ts';
import type { Job, Outcome } from './messages.ts';

type BatchJob = Exclude<Job, { kind: 'tile' }>;

/** A batch that fails is tried again one by one, so that a bad item does not take others along. */
export async function runBatch(
  executor: Pick<Executor, 'describe' | 'stylize'>,
  job: BatchJob,
): Promise<Outcome[]> {
  try {
    const values =
      job.kind === 'describe'
        ? await executor.describe(job.items)
        : await executor.stylize(job.items);
    return values.map((value) => ({ value }));
  } catch (error) {
    if (job.items.length === 1) return [{ error }];
    const outcomes: Outcome[] = [];
    for (const item of job.items) {
      outcomes.push(...(await runBatch(executor, { kind: job.kind, items: [item] } as typeof job)));
    }
    return outcomes;
  }
}
