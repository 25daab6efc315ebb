import type { Executor } from '../inference/executor.ts';
import type { Outcome } from '../scheduling/runner.ts';
import type { RunMessage } from './messages.ts';

type Batch = Exclude<RunMessage, { kind: 'tile' }>;

/** A batch that fails is tried again one by one, so that a bad item does not take others along. */
export async function runBatch(
  executor: Pick<Executor, 'describe' | 'stylize'>,
  batch: Batch,
): Promise<Outcome[]> {
  const { kind, plan, items } = batch;
  try {
    const values =
      kind === 'describe'
        ? await executor.describe(plan, items)
        : await executor.stylize(plan, items);
    return values.map((value) => ({ value }));
  } catch (error) {
    if (items.length === 1) return [{ error }];
    const outcomes: Outcome[] = [];
    for (const item of items) {
      outcomes.push(...(await runBatch(executor, { ...batch, items: [item] } as Batch)));
    }
    return outcomes;
  }
}
