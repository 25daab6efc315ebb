import t from 'tap';
import { canvasSize } from '../../../src/engine/tiling/canvas.ts';
import type { Executor } from '../../../src/engine/inference/executor.ts';
import type { RgbImage } from '../../../src/rgb-image.ts';
import { layoutOf } from '../../../src/engine/tiling/layout.ts';
import { planPicture } from '../../../src/engine/tiling/plan.ts';
import { loadModel } from '../../../src/engine/model/model.ts';
import type { TiledStylization } from '../../../src/engine/inference/tiled-stylize.ts';
import { sizeOf } from '../../../src/engine/tiling/rectangle.ts';
import type { Session, Tensor } from '../../../src/engine/inference/onnxruntime.ts';
import {
  createSessions,
  sessionPerShape,
  tileShapes,
  wholeShapes,
} from '../../../src/engine/inference/sessions.ts';
import { warmUp } from '../../../src/engine/workers/warm-up.ts';
import {
  anyShape,
  createPlanningExecutor,
  closeness,
  copyOf,
  cpu,
  modelsDir,
  relativeError,
} from '../helpers.ts';
import { randomNumbers, testPicture } from '../helpers.ts';

const model = await loadModel(modelsDir);
// A GPU's layout, small, on sessions of the CPU: only these shapes reach them.
const gpu = { ...cpu, provider: 'cuda' } as const;
const layout = layoutOf(model, gpu, { tilePixels: 320 ** 2, maxBatch: 3 });
const around = 2 * model.margin;
const executor = await createPlanningExecutor(model, cpu, layout);
const free = await createPlanningExecutor(model, cpu, anyShape(model));
t.teardown(() => Promise.all([executor.release(), free.release()]));

async function describe(width: number, height: number, seed: number) {
  const [statistics = new Float32Array()] = await free.describe([testPicture(width, height, seed)]);
  return statistics;
}

async function finish(painting: TiledStylization): Promise<Uint8Array> {
  for (;;) {
    const { done, value } = await painting.next();
    if (done) return value.data;
  }
}

t.test(
  'two pictures run together on a CPU with cores for both, one on a GPU, if nothing is said',
  (t) => {
    const batch = (threads: number, provider: 'cpu' | 'cuda', maxBatch?: number) =>
      layoutOf(model, { provider, threads }, { tilePixels: 2 ** 20, maxBatch }).batch;
    t.same([batch(1, 'cpu'), batch(2, 'cpu'), batch(16, 'cpu'), batch(16, 'cuda')], [1, 2, 2, 1]);
    t.same([batch(16, 'cpu', 1), batch(16, 'cpu', 8), batch(1, 'cuda', 8)], [1, 2, 8]);
    t.end();
  },
);

t.test('the largest canvas holds a square of tilePixels, two more a half and a quarter', (t) => {
  const { sides } = layoutOf(model, gpu, { tilePixels: 2 ** 20 });
  t.same(sides, [256 + around, 512 + around, 1024 + around]);
  t.same(layout.sides, [80 + around, 160 + around, 320 + around]);
  const on = (width: number, height: number) =>
    canvasSize({ width, height }, layout).width - around;
  t.same([on(16, 16), on(80, 80), on(81, 80), on(16, 161)], [80, 80, 160, 320]);
  t.notOk(planPicture({ width: 320, height: 16 }, layout).tiles);
  t.ok(planPicture({ width: 321, height: 16 }, layout).tiles);
  t.end();
});

t.test('every run has one of the promised shapes', (t) => {
  const largest = 320 + around;
  const shapes = wholeShapes(layout);
  t.same(shapes[0], { count: 3, side: largest }, 'the largest first');
  t.equal(shapes.length, 6);
  t.same(tileShapes(layout), [{ count: 1, side: largest }]);
  const random = randomNumbers(4);
  for (let i = 0; i < 40; i++) {
    const size = { width: 321 + 900 * random(), height: 16 + 900 * random() };
    const [width, height] = [Math.floor(size.width), Math.floor(size.height)];
    const { tiles } = planPicture({ width, height }, layout);
    const sizes = new Set(
      [...(tiles?.moments ?? []), ...(tiles?.stylize ?? [])].map(({ outer }) =>
        String(Object.values(sizeOf(outer))),
      ),
    );
    t.same([...sizes], [`${largest},${largest}`], `${width} × ${height}`);
  }
  t.end();
});

t.test('of sessions that are open by turns the oldest makes room', async (t) => {
  const events: string[] = [];
  const create = (name: string) => (): Promise<Session> => {
    events.push(`open ${name}`);
    return Promise.resolve({
      run: () => Promise.reject(new Error('nobody runs it')),
      release: () => {
        events.push(`release ${name}`);
        return Promise.resolve();
      },
    });
  };
  const [a, b] = [create('a'), create('b')];
  const one = createSessions({ a, b }, 1);
  const first = await one.open('a');
  t.equal(await one.open('a'), first);
  await one.open('b');
  await one.open('a');
  await one.release();
  t.same(events, ['open a', 'release a', 'open b', 'release b', 'open a', 'release a']);

  events.length = 0;
  const both = createSessions({ a, b }, 2);
  for (const kind of ['a', 'b', 'a', 'b'] as const) await both.open(kind);
  await both.release();
  t.same(events, ['open a', 'open b', 'release a', 'release b']);

  let broken = true;
  const mended = createSessions(
    { a, b: () => (broken ? Promise.reject(new Error('no memory')) : b()) },
    1,
  );
  await mended.open('a');
  await t.rejects(mended.open('b'), new Error('no memory'));
  broken = false;
  await mended.open('b');
  await mended.release();
});

t.test('a session per shape runs what fits it and refuses the rest', async (t) => {
  let made = 0;
  let released = 0;
  const create = (): Promise<Session> => {
    const name = ++made;
    return Promise.resolve({
      run: () => Promise.resolve({ type: 'float32', data: Float32Array.of(name), dims: [1] }),
      release: () => {
        released += 1;
        return Promise.resolve();
      },
    });
  };
  const shapes = [
    { count: 2, side: 8 },
    { count: 1, side: 8 },
  ];
  const session = await sessionPerShape(shapes, create);
  const pixels = (count: number, side: number): Tensor => ({
    type: 'uint8',
    data: new Uint8Array(3 * count * side ** 2),
    dims: [count, side, side, 3],
  });
  t.same((await session.run({ pixels: pixels(2, 8) })).data, [1]);
  t.same((await session.run({ pixels: pixels(1, 8) })).data, [2]);
  t.throws(
    () => session.run({ pixels: pixels(1, 16) }),
    /no session for pixels of shape 1,16,16,3/,
  );
  await session.release();
  t.equal(released, 2);
});

t.test('a few shapes paint what any shape paints, but for what the margin mirrors', async (t) => {
  const statistics = await describe(96, 80, 9);
  for (const [width, height] of [
    [80, 80], // fills its canvas: the very same
    [150, 97],
    [320, 200],
  ] as const) {
    const input = {
      image: testPicture(width, height),
      statistics,
      alpha: 1,
      color: 'style' as const,
    };
    const [found] = await executor.stylize([input]);
    const [expected] = await free.stylize([input]);
    t.match(found, { width, height });
    const { share, largest } = closeness(found?.data ?? [], expected?.data ?? [], 8);
    t.ok(share > 0.97, `${width} × ${height}: ${100 * share} % within 8, largest ${largest}`);
    if (width === 80) t.ok(largest <= 1);
    const [own] = await executor.describe([input.image]);
    t.ok(relativeError(own ?? [], await describe(width, height, 1)) < 0.15);
  }
});

t.test('with statistics of the content that are given: its own, or those of a scene', async (t) => {
  const statistics = await describe(96, 80, 9);
  const [width, height] = [300, 90];
  const still = testPicture(width, height, 1);
  const other = testPicture(width, height, 2);
  const isLeft = (i: number) => Math.floor(i / 3) % width < 64;
  const moved = still.data.map((value, i) => (isLeft(i) ? (other.data[i] as number) : value));
  const input = { statistics, alpha: 1, color: 'style' as const };
  const [content] = await executor.describe([still]);
  const frames = [still, { ...still, data: moved }].map((image) => copyOf(image));
  const painted: RgbImage[] = [];
  for (const image of frames) {
    painted.push(...(await executor.stylize([{ ...input, image, content }])));
  }
  const [own] = await executor.stylize([{ ...input, image: still }]);
  const { share, largest } = closeness(painted[0]?.data ?? [], own?.data ?? []);
  t.ok(share > 0.99, `${share} within 1, all within ${largest}`);
  const right = painted.map(({ data }) =>
    Buffer.from(data.filter((_, i) => Math.floor(i / 3) % width >= 256)),
  );
  t.ok(right[1]?.equals(right[0] as Buffer), 'what stands still, to the bit');
  t.notOk(Buffer.from(painted[1]?.data ?? []).equals(painted[0]?.data ?? Buffer.of()));
});

t.test('a run that is not full equals its pictures one by one', async (t) => {
  const inputs = await Promise.all(
    [0.3, 1].map(async (alpha, i) => ({
      image: testPicture(70, 60, i),
      statistics: await describe(64, 64, 10 + i),
      alpha,
      color: i === 1 ? ('content' as const) : ('style' as const),
    })),
  );
  const copies = inputs.map((input) => ({ ...input, image: copyOf(input.image) }));
  const together = await executor.stylize(inputs);
  const described = await executor.describe(copies.map(({ image }) => image));
  t.same([together.length, described.length], [2, 2]);
  for (const [i, input] of copies.entries()) {
    const [statistics] = await executor.describe([input.image]);
    t.ok(relativeError(described[i] ?? [], statistics ?? []) < 1e-5);
    const [alone] = await executor.stylize([input]);
    t.ok(closeness(together[i]?.data ?? [], alone?.data ?? []).largest <= 1);
  }
});

t.test('what no canvas holds is cut into tiles of the largest', async (t) => {
  // On a canvas that these fill from end to end the same is mirrored beyond them as on the tiles'.
  const large = layoutOf(model, gpu, { tilePixels: 704 ** 2, maxBatch: 1 });
  const whole = await createPlanningExecutor(model, cpu, large);
  t.teardown(() => whole.release());
  const statistics = await describe(96, 80, 9);
  for (const [width, height] of [
    [699, 701],
    [700, 40],
    [150, 697],
  ] as const) {
    const image = testPicture(width, height);
    const input = { image, statistics, alpha: 1, color: 'style' as const };
    const [expected] = await whole.stylize([input]);
    const [described] = await whole.describe([image]);
    const [own] = await executor.describe([image]);
    t.ok(relativeError(own ?? [], described ?? []) < 1e-5, 'styles too');
    const data = await finish(executor.stylizeTiled(input));
    const { share, largest } = closeness(data, expected?.data ?? [], 0);
    t.ok(share > 0.999 && largest <= 1, `${width} × ${height}: ${100 * share} % the same`);
  }
});

t.test('tiles are near to what any shape paints', async (t) => {
  const statistics = await describe(96, 80, 9);
  const compare = async (width: number, height: number, seed: number, limit: number) => {
    const image = testPicture(width, height, seed);
    const input = { image, statistics, alpha: 1, color: 'style' as const };
    const [expected] = await free.stylize([input]);
    const [own] = await executor.describe([image]);
    t.ok(relativeError(own ?? [], await describe(width, height, seed)) < 0.1, 'styles too');
    const data = await finish(executor.stylizeTiled(input));
    return closeness(data, expected?.data ?? [], limit).share;
  };
  for (const [width, height] of [
    [321, 300],
    [90, 500],
  ] as const) {
    const share = await compare(width, height, 1, 8);
    t.ok(share > 0.97, `${width} × ${height}: ${100 * share} % within 8`);
  }
});

t.test('tiles paint what is there, and its mirror image below', async (t) => {
  // Of 40 rows all see what lies below them on a canvas. How much it changes them is the weights'
  // affair; what lies there is the canvas's.
  const [width, height] = [700, 40];
  const image = testPicture(width, height, 1);
  const beyond = 160; // more than the networks see
  const larger = mirroredBelow(image, height + beyond);
  const plan = planPicture(image, anyShape(model));
  const [content] = await free.executor.describe(plan, [{ image, alpha: 1 }]);
  const input = { statistics: await describe(96, 80, 9), alpha: 1, color: 'style' as const };
  const [expected] = await free.stylize([{ ...input, image: larger, content }]);
  const data = await finish(executor.stylizeTiled({ ...input, image }));
  const above = expected?.data.slice(0, data.length) ?? [];
  const { share, largest } = closeness(data, above, 0);
  t.ok(share > 0.999 && largest <= 1, `${100 * share} % the same, the largest ${largest}`);
});

/** A picture and its mirror image below it, again and again, without an edge twice. */
function mirroredBelow({ width, height, data }: RgbImage, higher: number): RgbImage {
  const rows = Array.from({ length: higher }, (_, y) => {
    const turn = y % (2 * (height - 1));
    const from = Math.min(turn, 2 * (height - 1) - turn);
    return data.subarray(3 * width * from, 3 * width * (from + 1));
  });
  return { width, height: higher, data: new Uint8Array(Buffer.concat(rows)) };
}

t.test(
  'warming up runs every shape twice, the largest first, and by turns with its smallest',
  async (t) => {
    const none: string[] = [];
    const runs = { describe: [...none], stylize: [...none], 'by place': [...none] };
    let tiles = 0;
    const watched: Executor = {
      describe(plan, pictures) {
        runs.describe.push(`${pictures.length} of ${plan.size.width}`);
        return executor.describe(pictures.map(({ image }) => image));
      },
      stylize(plan, inputs) {
        const kind = inputs[0]?.shares ? 'by place' : 'stylize';
        runs[kind].push(`${inputs.length} of ${plan.size.width}`);
        return executor.stylize(inputs);
      },
      async *stylizeTiled(_plan, input) {
        const stylization = executor.stylizeTiled(input);
        for (;;) {
          const step = await stylization.next();
          tiles++;
          if (step.done) return step.value;
          yield;
        }
      },
      release: () => executor.release(),
    };
    const speeds = await warmUp(watched, layout);
    const canvases = [
      [320, 161],
      [160, 81],
      [80, 16],
    ] as const;
    const four = [1, 2, 3, 4];
    const byTurns = (largest: number, smallest: number) =>
      four.flatMap(() => [`1 of ${smallest}`, `1 of ${largest}`]);
    const twice = canvases.flatMap(([largest, smallest]) => [
      ...[`3 of ${largest}`, `3 of ${largest}`, `1 of ${largest}`, `1 of ${largest}`],
      ...byTurns(largest, smallest),
    ]);
    const once = canvases.flatMap(([largest, smallest]) => [
      `1 of ${largest}`,
      ...byTurns(largest, smallest),
    ]);
    t.same(runs, { describe: twice, stylize: twice, 'by place': once });
    t.equal(tiles, 8, 'two tiles, measured and painted, twice');
    for (const kind of ['describe', 'stylize', 'tile-moments', 'tile-stylize'] as const) {
      t.ok(speeds[kind] > 0, kind);
    }
  },
);
