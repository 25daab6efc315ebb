import t from 'tap';
import type { Test } from 'tap';
import { createEngine } from '../../../src/engine/index.ts';
import { modelsDir, stylize } from '../helpers.ts';

// As in fake-worker.ts, which can be loaded by a worker only.
const fault = { none: 0, failedRun: 1, exit: 2 };
const workerFile = new URL('./fake-worker.ts', import.meta.url);
const tileSide = 400;

const options = { modelsDir, device: 'cpu', queueLimit: 100, tilePixels: tileSide ** 2 };

async function createTeam(t: Test, threads: number) {
  const engine = await createEngine({ ...options, threads }, { workerFile });
  t.teardown(() => engine.close());
  const statistics = new Float32Array(2 * engine.model.channels);
  const paint = async (first: number, side = 16) => {
    const image = { width: side, height: side, data: new Uint8Array(3 * side * side) };
    image.data[0] = first;
    const input = { image, statistics, alpha: 1, color: 'style' as const };
    const { value, batchSize } = await stylize(engine, input);
    return { first: value.data[0], threads: value.data[1], batchSize };
  };
  return { engine, paint };
}

t.test('alone with all cores, two that wait side by side with half each', async (t) => {
  const { paint } = await createTeam(t, 3);
  const pictures = await Promise.all([5, 6, 7, 8].map((first) => paint(first)));
  t.same(pictures, [
    { first: 5, threads: 3, batchSize: 1 },
    { first: 6, threads: 2, batchSize: 2 },
    { first: 7, threads: 2, batchSize: 2 },
    { first: 8, threads: 3, batchSize: 1 },
  ]);
});

t.test('pictures that are together larger than a tile run one after the other', async (t) => {
  const { paint } = await createTeam(t, 2);
  const largest = Math.floor(tileSide / Math.SQRT2);
  for (const [side, batchSize] of [
    [largest, 2],
    [largest + 1, 1],
  ] as const) {
    const [, second, third] = await Promise.all([paint(5), paint(6, side), paint(7, side)]);
    t.match([second, third], [{ batchSize }, { batchSize }], `side ${side}`);
  }
});

for (const [name, kind, cause] of [
  ['fails', fault.failedRun, /out of memory/],
  ['ends its thread', fault.exit, /exit code 3/],
] as const) {
  t.test(`a picture that ${name} leaves the one beside it alone`, async (t) => {
    const { engine, paint } = await createTeam(t, 2);
    const [first, bad, beside, next] = [paint(5), paint(kind), paint(6), paint(7)];
    await t.rejects(bad, { code: 'inference_failed', cause });
    t.match(await beside, { first: 6, threads: 1, batchSize: 2 });
    t.match(await next, { first: 7 }, 'what waited goes on with the next group');
    t.match(await first, { first: 5 });
    t.ok(engine.ready);
    const pictures = await Promise.all([5, 6, 7].map((first) => paint(first)));
    t.match(pictures, [{ threads: 2 }, { threads: 1 }, { threads: 1 }]);
  });
}

t.test('a group of which a thread does not start does not start', async (t) => {
  process.env['FAKE_SINGLE_BROKEN'] = 'no memory for one more';
  t.teardown(() => delete process.env['FAKE_SINGLE_BROKEN']);
  const starting = createEngine({ ...options, threads: 2 }, { workerFile });
  await t.rejects(starting, { message: 'no memory for one more' });
  const engine = await createEngine({ ...options, threads: 2, maxBatch: 1 }, { workerFile });
  t.ok(engine.ready, 'which only a group needs');
  await engine.close();
});
