/**
 * A worker without a model: it gives pictures back with the number of its threads as their second
 * byte, and misbehaves when the first says so. With FAKE_WORKER_BROKEN in the environment it does
 * not even start, for the reason that this gives; with FAKE_GPU_BROKEN it does not on a GPU, with
 * FAKE_SINGLE_BROKEN not with a single thread. FAKE_RUN_BROKEN is why runs fail. What FAKE_HANG names, a
 * start or an end, and a slow run take until the test lets go of the shared number `hold`.
 */
import { getEnvironmentData, parentPort, workerData } from 'node:worker_threads';
import type { Outcome } from '../../../src/engine/scheduling/runner.ts';
import type { Message, Reply, WorkerSetup } from '../../../src/engine/workers/messages.ts';
import type { RgbImage } from '../../../src/rgb-image.ts';

export const fault = { none: 0, failedRun: 1, exit: 2, uncaught: 3, slow: 4 };

const tiles = new Map<number, number>();

const { FAKE_WORKER_BROKEN, FAKE_GPU_BROKEN, FAKE_SINGLE_BROKEN } = process.env;
const { FAKE_RUN_BROKEN = 'out of memory', FAKE_HANG } = process.env;
if (FAKE_WORKER_BROKEN) throw new Error(FAKE_WORKER_BROKEN);
const { provider, threads } = (workerData as WorkerSetup).placement;
if (provider === 'cuda' && FAKE_GPU_BROKEN) throw new Error(FAKE_GPU_BROKEN);
if (threads === 1 && FAKE_SINGLE_BROKEN) throw new Error(FAKE_SINGLE_BROKEN);
if (FAKE_HANG === 'start') hang();
parentPort?.on('message', obey);
const speeds = { describe: 1, stylize: 1, 'tile-moments': 1, 'tile-stylize': 1 };
reply({ kind: 'ready', speeds });

function obey(message: Message): void {
  switch (message.kind) {
    case 'close':
      if (FAKE_HANG === 'end') hang();
      parentPort?.close();
      return;
    case 'drop':
      return;
    case 'describe':
      reply({ kind: 'done', outcomes: message.items.map(() => ({ value: Float32Array.of(1) })) });
      return;
    case 'stylize':
      reply({ kind: 'done', outcomes: message.items.map(({ image }) => outcomeOf(image)) });
      return;
    case 'tile': {
      // Every large picture has as many tiles as its first byte says.
      const left = (message.picture?.input.image.data[0] ?? tiles.get(message.id) ?? 1) - 1;
      tiles.set(message.id, left);
      const value = { width: 1, height: 1, data: new Uint8Array(3) };
      reply({ kind: 'done', outcomes: left > 0 ? [] : [{ value }] });
    }
  }
}

function outcomeOf(image: RgbImage): Outcome {
  switch (image.data[0]) {
    case fault.failedRun:
      return { error: new Error(FAKE_RUN_BROKEN) };
    case fault.exit:
      process.exit(3); // ends the thread, not the process
      break;
    case fault.uncaught:
      throw new Error('a bug in the worker');
    case fault.slow:
      hang();
  }
  image.data[1] = threads;
  return { value: image };
}

function hang(): void {
  Atomics.wait(getEnvironmentData('hold') as unknown as Int32Array, 0, 0);
}

function reply(message: Reply): void {
  parentPort?.postMessage(message);
}
