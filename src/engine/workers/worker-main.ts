/** A worker thread: one device's sessions, one run at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { checkModel } from '../inference/check-model.ts';
import { createExecutor } from '../inference/executor.ts';
import type { TiledStylization } from '../inference/tiled-stylize.ts';
import type { Outcome } from '../scheduling/runner.ts';
import type { Message, Reply, TileMessage, WorkerSetup } from './messages.ts';
import { runBatch } from './run-batch.ts';
import { tryWhole, warmUp } from './warm-up.ts';

const { model, placement, layout, check, speeds: known } = workerData as WorkerSetup;
if (check) await checkModel(model, placement);
const executor = await createExecutor(model, placement, layout);
const begun = new Map<number, TiledStylization>();

/** One after the other: a batch of several runs ends before `close` releases its sessions. */
let last = Promise.resolve();
parentPort?.on('message', (message: Message) => {
  last = last.then(() => obey(message));
});
if (known) await tryWhole(executor, layout);
reply({ kind: 'ready', speeds: known ?? (await warmUp(executor, layout)) });

async function obey(message: Message): Promise<void> {
  switch (message.kind) {
    case 'close':
      await executor.release();
      parentPort?.close();
      break;
    case 'drop':
      begun.delete(message.id);
      break;
    case 'tile':
      reply({ kind: 'done', outcomes: await nextTile(message) });
      break;
    default:
      reply({ kind: 'done', outcomes: await runBatch(executor, message) });
  }
}

async function nextTile({ id, picture }: TileMessage): Promise<Outcome[]> {
  try {
    if (picture) begun.set(id, executor.stylizeTiled(picture.plan, picture.input));
    const stylization = begun.get(id);
    if (!stylization) throw new Error(`There is no picture ${id} in the making`);
    const { done, value } = await stylization.next();
    if (!done) return [];
    begun.delete(id);
    return [{ value }];
  } catch (error) {
    begun.delete(id);
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
