/** A worker thread: one device's sessions, one job at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { runBatch } from './run-batch.ts';
import { createExecutor } from '../inference/executor.ts';
import type { Painting } from '../inference/tiled-stylize.ts';
import type { Command, Job, Outcome, Reply, WorkerSetup } from './messages.ts';
import { warmUp } from './warm-up.ts';

const { model, placement, layout } = workerData as WorkerSetup;
const executor = await createExecutor(model, placement, layout);
const paintings = new Map<number, Painting>();

/** One after the other: a job of several runs ends before `close` releases its sessions. */
let last = Promise.resolve();
parentPort?.on('message', (command: Command) => {
  last = last.then(() => obey(command));
});
reply({ kind: 'ready', speeds: await warmUp(executor, layout) });

async function obey(command: Command): Promise<void> {
  switch (command.kind) {
    case 'close':
      await executor.release();
      parentPort?.close();
      break;
    case 'drop':
      paintings.delete(command.id);
      break;
    case 'tile':
      reply({ kind: 'done', outcomes: await nextTile(command) });
      break;
    default:
      reply({ kind: 'done', outcomes: await runBatch(executor, command) });
  }
}

async function nextTile({ id, input }: Extract<Job, { kind: 'tile' }>): Promise<Outcome[]> {
  try {
    if (input) paintings.set(id, executor.paint(input));
    const painting = paintings.get(id);
    if (!painting) throw new Error(`There is no picture ${id} in the making`);
    const { done, value } = await painting.next();
    if (!done) return [];
    paintings.delete(id);
    return [{ value }];
  } catch (error) {
    paintings.delete(id);
    return [{ error }];
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
