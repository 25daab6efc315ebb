import { setEnvironmentData } from 'node:worker_threads';
import t from 'tap';
import type { Test } from 'tap';
import { plain } from '../../../src/engine/inference/feeds.ts';
import { runBatch } from '../../../src/engine/workers/run-batch.ts';
import { createEngine } from '../../../src/engine/index.ts';
import { planWhole } from '../../../src/engine/tiling/plan.ts';
import type { EngineSeams } from '../../../src/engine/index.ts';
import type { WorkOptions } from '../../../src/engine/types.ts';
import type { RgbImage } from '../../../src/rgb-image.ts';
import { machine, providerFiles } from '../devices/cuda/machine.ts';
import { words } from '../devices/cuda/words.ts';
import { modelsDir, stylize } from '../helpers.ts';

// As in fake-worker.ts, which can be loaded by a worker only.
const fault = { none: 0, failedRun: 1, exit: 2, uncaught: 3, slow: 4 };

async function createFaulty(t: Test, seams: EngineSeams = {}, device = 'cpu') {
  const hold = new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData('hold', hold);
  const letGo = () => {
    hold[0] = 1;
    Atomics.notify(hold, 0);
  };
  const restarts: { err: Error; waitMs?: number }[] = [];
  const engine = await createEngine(
    {
      modelsDir,
      device,
      queueLimit: 100,
      threads: 1,
      tilePixels: 400 ** 2,
      log: { warn: (details) => restarts.push(details) },
    },
    { workerFile: new URL('./fake-worker.ts', import.meta.url), ...seams },
  );
  t.teardown(() => engine.close());
  t.teardown(letGo); // the last comes first
  const statistics = new Float32Array(2 * engine.model.channels);
  const paint = (first: number, side = 16, options: WorkOptions = {}) => {
    const image = { width: side, height: side, data: new Uint8Array(3 * side * side) };
    image.data[0] = first;
    return stylize(engine, { image, statistics, alpha: 1, color: 'style' as const }, options);
  };
  return { engine, restarts, stylize: paint, letGo };
}

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

t.test('a failed run fails its request with the cause, and the worker is replaced', async (t) => {
  const { engine, restarts, stylize } = await createFaulty(t);
  const [bad, good] = [stylize(fault.failedRun), stylize(fault.none)];
  await t.rejects(bad, { code: 'inference_failed', status: 500, cause: /out of memory/ });
  t.match(await good, { value: { width: 16 } }, 'what waited goes on with the next worker');
  t.match(restarts, [{ err: /^Error: A run failed: out of memory$/, waitMs: 0 }]);
  t.ok(engine.ready);
});

for (const [name, kind, reason] of [
  ['ends', fault.exit, /exit code 3/],
  ['throws', fault.uncaught, /a bug in the worker/],
] as const) {
  t.test(`a worker that ${name} fails what it ran, and another takes over`, async (t) => {
    const { engine, restarts, stylize } = await createFaulty(t);
    const lost = stylize(kind);
    const waiting = stylize(fault.none);
    await t.rejects(lost, { code: 'inference_failed', cause: reason });
    t.notOk(engine.ready, 'not ready while no worker is up');
    t.match(await waiting, { value: { width: 16 } });
    t.ok(engine.ready);
    t.match(restarts, [{ err: reason, waitMs: 0 }]);
  });
}

t.test('replacements that fail are tried again after growing waits', async (t) => {
  const { engine, restarts, stylize } = await createFaulty(t);
  process.env['FAKE_WORKER_BROKEN'] = 'broken from the start';
  t.teardown(() => delete process.env['FAKE_WORKER_BROKEN']);
  await t.rejects(stylize(fault.exit), { code: 'inference_failed' });
  const waiting = stylize(fault.none);
  await until(() => restarts.length === 3);
  t.notOk(engine.ready);
  delete process.env['FAKE_WORKER_BROKEN'];
  t.match(await waiting, { value: { width: 16 } });
  t.same(
    restarts.map(({ waitMs }) => waitMs),
    [0, 250, 500],
  );
  await t.rejects(stylize(fault.exit), { code: 'inference_failed' });
  await until(() => engine.ready);
  t.equal(restarts.at(-1)?.waitMs, 0, 'a success starts the count anew');
});

t.test('who would wait for a worker that does not come is told so', async (t) => {
  const { engine, restarts, stylize } = await createFaulty(t);
  process.env['FAKE_WORKER_BROKEN'] = 'broken from the start';
  t.teardown(() => delete process.env['FAKE_WORKER_BROKEN']);
  await t.rejects(stylize(fault.exit), { code: 'inference_failed' });
  const away = { code: 'not_ready', cause: /broken from/, retryAfterSeconds: 1 };
  await t.rejects(stylize(fault.none), away, 'who waited when the third replacement failed');
  t.equal(restarts.length, 4);
  await t.rejects(stylize(fault.none), away, 'who comes then');

  delete process.env['FAKE_WORKER_BROKEN'];
  await until(() => engine.ready);
  t.match(await stylize(fault.none), { value: { width: 16 } });
});

t.test('a worker that does not come says nothing of another that may', async (t) => {
  const host = machine(t.testdir(providerFiles()));
  const { engine, restarts, stylize } = await createFaulty(t, { host }, 'cuda:0,cuda:0');
  process.env['FAKE_WORKER_BROKEN'] = 'broken from the start';
  t.teardown(() => delete process.env['FAKE_WORKER_BROKEN']);
  await t.rejects(stylize(fault.exit), { code: 'inference_failed' });
  await until(() => restarts.some(({ waitMs }) => waitMs === 1000));
  t.ok(engine.ready, 'the other is up');

  delete process.env['FAKE_WORKER_BROKEN'];
  const lost = stylize(fault.exit);
  const waiting = stylize(fault.none);
  await t.rejects(lost, { code: 'inference_failed', cause: /exit code 3/ });
  t.match(await waiting, { value: { width: 16 } }, 'who waits for its replacement');
});

t.test('without a worker for as long as a start may take the engine is not live', async (t) => {
  const { engine, restarts, stylize } = await createFaulty(t, { longestStartMs: 20 });
  process.env['FAKE_WORKER_BROKEN'] = 'broken from the start';
  t.teardown(() => delete process.env['FAKE_WORKER_BROKEN']);
  await t.rejects(stylize(fault.exit), { code: 'inference_failed' });
  await until(() => restarts.some(({ waitMs }) => waitMs === 1000));
  t.notOk(engine.live, 'while it waits for the next');
  delete process.env['FAKE_WORKER_BROKEN'];
  await until(() => engine.ready);
  t.ok(engine.live);
});

t.test('a large picture is lost with its worker, and saved from a failed neighbour', async (t) => {
  const { restarts, stylize } = await createFaulty(t);
  const large = stylize(3, 401);
  await t.rejects(stylize(fault.failedRun), { code: 'inference_failed' });
  t.same(restarts, [], 'the worker holds a picture');
  t.match(await large, { batchSize: 1 });
  await until(() => restarts.length === 1);

  const [lost, culprit] = [stylize(200, 401), stylize(fault.exit)];
  await Promise.all([
    t.rejects(culprit, { code: 'inference_failed', cause: /exit code 3/ }),
    t.rejects(lost, { code: 'inference_failed', cause: /gone/ }),
  ]);
});

t.test('a large picture whose client goes away is let go between tiles', async (t) => {
  const { stylize } = await createFaulty(t);
  const client = new AbortController();
  const large = stylize(255, 401, { signal: client.signal });
  await stylize(fault.none);
  client.abort();
  await t.rejects(large, { code: 'client_closed' });
  t.match(await stylize(fault.none), { batchSize: 1 });
});

t.test('a worker with a failed run goes when the large picture it held is given up', async (t) => {
  const { restarts, stylize } = await createFaulty(t);
  const client = new AbortController();
  const large = stylize(255, 401, { signal: client.signal });
  const failed = t.rejects(stylize(fault.failedRun), { code: 'inference_failed' });
  await failed;
  client.abort();
  await t.rejects(large, { code: 'client_closed' });
  await until(() => restarts.length === 1);
  t.match(await stylize(fault.none), { value: { width: 16 } });
});

t.test('a run that hangs makes the engine not live', async (t) => {
  const { engine, stylize, letGo } = await createFaulty(t, { longestRunMs: 20 });
  t.ok(engine.live);
  const slow = stylize(fault.slow);
  await until(() => !engine.live);
  letGo();
  await slow;
  t.ok(engine.live, 'and live again when it comes back after all');
});

t.test('a replacement that hangs while it starts makes the engine not live', async (t) => {
  const { engine, stylize } = await createFaulty(t, { longestStartMs: 20 });
  t.ok(engine.live);
  process.env['FAKE_HANG'] = 'start';
  t.teardown(() => delete process.env['FAKE_HANG']);
  await t.rejects(stylize(fault.exit), { code: 'inference_failed' });
  await t.rejects(stylize(fault.none), { code: 'not_ready', cause: /starts/ }, 'who waits for it');
  t.notOk(engine.live);
  t.notOk(engine.ready);
  await engine.close(); // though the thread is still at it
});

t.test('a worker that hangs while it ends makes the engine not live', async (t) => {
  process.env['FAKE_HANG'] = 'end';
  const { engine, stylize, letGo } = await createFaulty(t, { longestEndMs: 20 });
  delete process.env['FAKE_HANG'];
  await t.rejects(stylize(fault.failedRun), { code: 'inference_failed' });
  await t.rejects(
    stylize(fault.none),
    { code: 'not_ready', cause: /ends/ },
    'who waits for the next',
  );
  t.notOk(engine.live);
  letGo();
  await until(() => engine.ready);
  t.ok(engine.live, 'and live again when it has ended after all');
  t.match(await stylize(fault.none), { value: { width: 16 } });
});

t.test('a GPU lost for this process makes the engine not live; lost memory does not', async (t) => {
  t.teardown(() => delete process.env['FAKE_WORKER_BROKEN']);
  for (const [text, live] of [
    [words.outOfMemory, true],
    [words.launchFailed, false],
  ] as const) {
    const { engine, restarts, stylize } = await createFaulty(t);
    process.env['FAKE_WORKER_BROKEN'] = text;
    await t.rejects(stylize(fault.exit), { code: 'inference_failed' });
    await until(() => restarts.length === 2);
    t.equal(engine.live, live);
    delete process.env['FAKE_WORKER_BROKEN'];
  }
});

t.test(
  'a run that loses the GPU makes the engine not live, whatever its next worker says',
  async (t) => {
    process.env['FAKE_RUN_BROKEN'] = words.kernelFailed;
    t.teardown(() => delete process.env['FAKE_RUN_BROKEN']);
    const { engine, stylize } = await createFaulty(t);
    await t.rejects(stylize(fault.failedRun), { cause: { message: words.kernelFailed } });
    await t.rejects(stylize(fault.none), { code: 'not_ready', message: /another instance/ });
    await until(() => engine.ready);
    t.match(await stylize(fault.none), { value: { width: 16 } });
    t.notOk(engine.live);
  },
);

t.test('close does not wait for a worker that does not come', async (t) => {
  const { engine, stylize } = await createFaulty(t);
  process.env['FAKE_WORKER_BROKEN'] = 'broken from the start';
  t.teardown(() => delete process.env['FAKE_WORKER_BROKEN']);
  await t.rejects(stylize(fault.exit), { code: 'inference_failed' });
  const waiting = stylize(fault.none);
  const closed = engine.close();
  await t.rejects(waiting, { code: 'closing' }, 'which is no fault: another instance can paint it');
  await closed;
});

t.test('a batch that fails is tried one by one', async (t) => {
  const picture = (first: number): RgbImage => ({
    width: 1,
    height: 1,
    data: Uint8Array.of(first, 0, 0),
  });
  const padding = { margin: 0, stride: 1 };
  const plan = planWhole({ width: 1, height: 1 }, padding);
  const outcomes = await runBatch(
    {
      async describe(_plan, pictures) {
        const values = pictures.map(({ image }) => image.data[0] ?? NaN);
        if (values.includes(1)) throw new Error('bad item');
        return values.map((value) => Float32Array.of(value));
      },
      stylize: () => Promise.reject(new Error('not asked for')),
    },
    { kind: 'describe', plan, items: [0, 1, 2].map((first) => plain(picture(first))) },
  );
  t.match(outcomes, [
    { value: Float32Array.of(0) },
    { error: /bad item/ },
    { value: Float32Array.of(2) },
  ]);
});
