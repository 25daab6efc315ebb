/**
 * How long the HTTP thread's event loop is held up while a 2048 × 2048 picture is repainted: by the
 * engine, in its worker, and by the very same sessions on the main thread. Fails when the longest
 * delay beside the worker is above 20 ms; what other processes do to an idle loop stands first.
 *
 *     node --import tsx test/bench/event-loop.ts
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { usableCores } from '../../src/engine/cores.ts';
import { createExecutor } from '../../src/engine/executor.ts';
import { createEngine } from '../../src/engine/index.ts';
import { loadModel } from '../../src/engine/model.ts';
import { modelsDir, testPicture } from '../engine/helpers.ts';

const side = 2048;
const tilePixels = 1024 ** 2;
const limitMs = 20;

/** How long the loop was held up while `work` ran, beyond the timer's own period. */
async function measure(work: () => Promise<unknown>) {
  await sleep(100);
  const resolution = 5;
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  // The histogram notes a delay with the timer that is late: let one fire on either side.
  await sleep(20);
  const start = performance.now();
  await work();
  const ms = performance.now() - start;
  await sleep(20);
  delays.disable();
  const delay = (ns: number) => Number(Math.max(0, ns / 1e6 - resolution).toFixed(1));
  return {
    'longest, ms': delay(delays.max),
    '99 of 100 under, ms': delay(delays.percentile(99)),
    'total, ms': Math.round(ms),
  };
}

const idle = await measure(() => sleep(2000));

const engine = await createEngine({
  modelsDir,
  device: 'cpu',
  queueLimit: 1,
  maxBatch: 1,
  tilePixels,
});
const { value: statistics } = await engine.describe(testPicture(256, 256));
const input = () => ({
  image: testPicture(side, side),
  statistics,
  alpha: 1,
  preserveColor: false,
});

const forEngine = input();
const worker = await measure(() => engine.stylize(forEngine));
await engine.close();

const placement = { provider: 'cpu', ordinal: 0, threads: usableCores() } as const;
const executor = await createExecutor(await loadModel(modelsDir), placement);
const forExecutor = input();
const main = await measure(async () => {
  const painting = executor.paint(forExecutor, tilePixels);
  while (!(await painting.next()).done);
});
await executor.release();

console.table({ idle, 'in the worker': worker, 'on the main thread': main });
const ratio = main['longest, ms'] / worker['longest, ms'];
console.log(`On the main thread the loop is held up ${ratio.toFixed(0)} times as long.`);
if (worker['longest, ms'] > limitMs) {
  console.error(`The loop was held up for more than ${limitMs} ms.`);
  process.exitCode = 1;
}
