import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { createExecutor } from '../../src/engine/inference/executor.ts';
import { createEngine } from '../../src/engine/index.ts';
import { loadModel } from '../../src/engine/model/model.ts';
import { planTiled } from '../../src/engine/tiling/plan.ts';
import { anyShape, modelsDir, stylize, testPicture } from '../engine/helpers.ts';
import { closedLoop } from './client.ts';
import { interleave, median } from './measure.ts';
import { allCores } from './networks.ts';
import { photograph, requestFor } from './pictures.ts';
import type { Bench, Options, Report } from './report.ts';
import { withServer } from './server.ts';

const side = 2048;
const tilePixels = 1024 ** 2;

interface Delay {
  /** The longest that the loop was held up, beyond the timer's own period. */
  readonly delayMs: number;
  readonly ms: number;
}

/**
 * The same sessions paint the same large picture in the engine's worker and on the main thread;
 * what is measured is the main thread. The third row is the server's own loop, as its metrics tell
 * it, while four clients send pictures that are also decoded, digested and encoded.
 */
export const eventLoop: Bench = {
  name: 'event-loop',
  summary: `How long the HTTP thread is held up while a ${side}² picture is painted in the worker, against the same on the main thread; and the server's loop under load.`,
  async run({ rounds }: Options): Promise<Report> {
    const turns = Math.ceil(rounds / 3);
    const options = { modelsDir, device: 'cpu', queueLimit: 1, maxBatch: 1, tilePixels };
    const engine = await createEngine(options);
    const model = await loadModel(modelsDir);
    const executor = await createExecutor(model, allCores, anyShape(model));
    const { value: statistics } = await engine.describe(testPicture(256, 256));
    const { width, height, data } = testPicture(side, side);
    const input = () => ({
      image: { width, height, data: data.slice() },
      statistics,
      alpha: 1,
      color: 'style' as const,
    });
    const { worker, main } = await interleave<'worker' | 'main', Delay>(turns, {
      worker: () => {
        const picture = input();
        return measure(() => stylize(engine, picture));
      },
      main: () => {
        const picture = input();
        return measure(async () => {
          const plan = planTiled(picture.image, anyShape(model));
          const stylization = executor.stylizeTiled(plan, picture);
          while (!(await stylization.next()).done);
        });
      },
    });
    await engine.close();
    await executor.release();

    const served = await underLoad(rounds);
    const longest = (delays: Delay[]) => Math.max(...delays.map(({ delayMs }) => delayMs));
    const row = (where: string, delays: Delay[]) => ({
      where,
      'longest delay, ms': longest(delays),
      'picture, ms': median(delays.map(({ ms }) => ms)),
    });
    return {
      tables: [
        {
          title: `Longest of ${turns} rounds; the server under ${rounds} rounds of requests`,
          rows: [
            row('engine, in its worker', worker),
            row('same sessions on the main thread', main),
            row('server, 4 clients, 512²', served),
          ],
        },
      ],
      goals: [
        { what: 'longest delay beside the worker, ms', value: longest(worker), atMost: 20 },
        { what: 'longest delay in the server, ms', value: longest(served), atMost: 20 },
      ],
    };
  },
};

async function measure(work: () => Promise<unknown>): Promise<Delay> {
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
  return { delayMs: Math.max(0, delays.max / 1e6 - resolution), ms };
}

/** The server's own gauge starts anew whenever it is read. */
async function underLoad(rounds: number): Promise<Delay[]> {
  const form = await requestFor(await photograph(512));
  return withServer({}, async ({ client }) => {
    const { load } = await interleave(rounds, {
      load: async () => {
        await client.get('/metrics');
        const { perSecond } = await closedLoop(4, 16, () => client.stylize(form));
        const metrics = (await client.get('/metrics')).body.toString();
        const longest = /^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(metrics)?.[1];
        const resolution = 10; // prom-client's
        return { delayMs: Math.max(0, 1000 * Number(longest) - resolution), ms: 1000 / perSecond };
      },
    });
    return load;
  });
}
