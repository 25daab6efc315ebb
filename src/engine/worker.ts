/** A worker thread: one device's sessions, one command at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { createExecutor } from './executor.ts';
import type { Executor } from './executor.ts';
import type { Command, Outcome, Reply, WorkerSetup } from './protocol.ts';

const { model, placement } = workerData as WorkerSetup;
const executor = await createExecutor(model, placement);

parentPort?.on('message', (command: Command) => {
  void obey(command);
});
reply({ kind: 'ready' });

async function obey(command: Command): Promise<void> {
  if (command.kind === 'close') {
    await executor.release();
    parentPort?.close();
    return;
  }
  const start = performance.now();
  const outcomes = await outcomesOf(executor, command);
  reply({ kind: 'done', outcomes, ms: performance.now() - start });
}

/** A batch that fails is tried again one by one, so that a bad item does not take others along. */
async function outcomesOf(
  executor: Executor,
  command: Exclude<Command, { kind: 'close' }>,
): Promise<Outcome[]> {
  try {
    const values =
      command.kind === 'describe'
        ? await executor.describe(command.items)
        : await executor.stylize(command.items);
    return values.map((value) => ({ value }));
  } catch (error) {
    if (command.items.length === 1) return [{ error }];
    const outcomes: Outcome[] = [];
    for (const item of command.items) {
      const single = { kind: command.kind, items: [item] } as typeof command;
      outcomes.push(...(await outcomesOf(executor, single)));
    }
    return outcomes;
  }
}

function reply(message: Reply): void {
  const outcomes = message.kind === 'done' ? message.outcomes : [];
  const buffers = outcomes.flatMap((outcome) => {
    if (!('value' in outcome)) return [];
    const { value } = outcome;
    return [value instanceof Float32Array ? value.buffer : value.data.buffer];
  });
  parentPort?.postMessage(message, buffers);
}
