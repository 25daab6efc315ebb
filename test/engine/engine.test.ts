import t from 'tap';
import { createEngine } from '../../src/engine/index.ts';
import { closeness, copyOf, modelsDir, relativeError, stylize, testPicture } from './helpers.ts';

const batches: { size: number; pixels: number }[] = [];
const depths: number[] = [];
const engine = await createEngine({
  modelsDir,
  device: 'cpu',
  threads: 2,
  queueLimit: 12,
  tilePixels: 384 ** 2,
  events: {
    onQueueDepth: (depth) => depths.push(depth),
    onBatch: ({ size, pixels }) => batches.push({ size, pixels }),
  },
});
t.teardown(() => engine.close());

const { value: statistics } = await engine.describe(testPicture(64, 64, 5));
const input = (width: number, height: number, seed = 1, alpha = 1) => ({
  image: testPicture(width, height, seed),
  statistics,
  alpha,
  color: 'style' as const,
});

t.test('an engine says what it is and is ready', (t) => {
  t.ok(engine.ready);
  t.ok(engine.live);
  t.equal(engine.provider, 'cpu');
  t.equal(engine.description, 'CPU with 2 threads');
  t.match(engine.model, { name: String, version: String, digest: /^[0-9a-f]{64}$/, stride: 8 });
  t.equal(statistics.length, 2 * engine.model.channels);
  t.end();
});

t.test('pixels are transferred in both directions', async (t) => {
  const given = input(48, 40);
  const { value } = await stylize(engine, given);
  t.equal(given.image.data.length, 0, 'the input is empty afterwards');
  t.equal(statistics.length, 2 * engine.model.channels, 'the statistics are not');
  t.match(value, { width: 48, height: 40 });
  t.equal(value.data.byteLength, value.data.buffer.byteLength, 'the result owns its buffer');
});

t.test('a Buffer and a view are copied: their memory belongs to others', async (t) => {
  const { image } = input(48, 40);
  const buffer = Buffer.from(image.data) as Buffer & Uint8Array<ArrayBuffer>;
  const memory = new Uint8Array(image.data.length + 8);
  memory.set(image.data, 8);
  const view = memory.subarray(8);
  for (const data of [buffer, view]) {
    const { value } = await stylize(engine, { ...input(48, 40), image: { ...image, data } });
    const { value: expected } = await stylize(engine, { ...input(48, 40), image: copyOf(image) });
    t.equal(data.length, image.data.length);
    t.same(value.data, expected.data);
  }
});

t.test('of what waits two run side by side, equal to its parts, and the events tell', async (t) => {
  const inputs = [0.3, 0.7].map((alpha, i) => input(56, 48, i, alpha));
  const alone = [];
  for (const one of inputs) {
    alone.push(await stylize(engine, { ...one, image: copyOf(one.image) }));
  }
  batches.length = depths.length = 0;
  const first = stylize(engine, input(64, 64));
  const together = await Promise.all(inputs.map((one) => stylize(engine, one)));
  await first;
  t.same(batches, [
    { size: 1, pixels: 64 * 64 },
    { size: 2, pixels: 2 * 56 * 48 },
  ]);
  t.same(depths, [1, 2, 3, 2, 0], 'all three wait until the first is prepared');
  for (const [i, { value, batchSize, queueMs, inferMs }] of together.entries()) {
    t.equal(batchSize, 2);
    t.ok(queueMs > 0 && inferMs > 0);
    t.ok(closeness(value.data, alone[i]?.value.data ?? []).largest <= 1);
  }
  const [many, one] = await Promise.all(
    [7, 7].map((seed) => engine.describe(testPicture(40, 40, seed))),
  );
  t.ok(relativeError(many?.value ?? [], one?.value ?? []) < 1e-5);
});

t.test('a picture above tilePixels is painted in tiles, beside small ones', async (t) => {
  const order: string[] = [];
  const note = (name: string) => () => void order.push(name);
  const large = stylize(engine, { ...input(700, 500), color: 'content' });
  const small = stylize(engine, input(64, 64));
  await Promise.all([large.then(note('large')), small.then(note('small'))]);
  t.same(order, ['small', 'large']);
  const { value, batchSize } = await large;
  t.match(value, { width: 700, height: 500 });
  t.equal(value.data.length, 3 * 700 * 500);
  t.equal(batchSize, 1);
});

t.test('by place: alone, whole and in tiles, and its buffers are transferred', async (t) => {
  const { value: other } = await engine.describe(testPicture(64, 64, 6));
  const both = Float32Array.from([...statistics, ...other]);
  for (const [width, height] of [
    [64, 48],
    [504, 400],
  ] as const) {
    const steps = (width / 8) * (height / 8);
    const byPlace = () => ({
      ...input(width, height),
      statistics: both,
      shares: Float32Array.from({ length: 2 * steps }, (_, i) => (i < steps ? 0 : 1)),
      coverage: new Uint8Array(width * height).fill(255, width * 8),
    });
    const given = [byPlace(), byPlace()] as const;
    const size = { width, height };
    const painted = await Promise.all(
      given.map((one) => engine.stylize({ size, byPlace: true }, {}, () => Promise.resolve(one))),
    );
    const { value: expected } = await stylize(engine, {
      ...input(width, height),
      statistics: other,
    });
    for (const { value, batchSize } of painted) {
      t.equal(batchSize, 1);
      const [top, rest] = [value.data.slice(0, 24 * width), value.data.slice(24 * width)];
      t.same(top, input(width, height).image.data.slice(0, 24 * width), 'the photograph');
      t.ok(closeness(rest, expected.data.slice(24 * width)).share > 0.999);
    }
    t.same(
      given.flatMap(({ image, shares, coverage }) =>
        [image.data, shares, coverage].map((one) => one.length),
      ),
      [0, 0, 0, 0, 0, 0],
    );
  }
});

t.test('pictures with coverage run side by side', async (t) => {
  batches.length = 0;
  const first = stylize(engine, input(64, 64));
  const coverages = [0, 255].map((share) => new Uint8Array(56 * 48).fill(share));
  const painted = await Promise.all(
    coverages.map((coverage) => stylize(engine, { ...input(56, 48), coverage })),
  );
  await first;
  t.equal(batches.at(-1)?.size, 2);
  const { value } = await stylize(engine, input(56, 48));
  t.same(
    painted.map((one) => one.value.data),
    [input(56, 48).image.data, value.data],
  );
  t.same(
    coverages.map(({ length }) => length),
    [0, 0],
    'each with buffers of its own',
  );
});

t.test('who leaves a picture in tiles takes the rest of it away', async (t) => {
  const leaving = new AbortController();
  const left = stylize(engine, input(2000, 2000), { signal: leaving.signal });
  await stylize(engine, input(64, 64)); // by turns with the first tile
  leaving.abort();
  await t.rejects(left, { code: 'client_closed' });
  const { value } = await stylize(engine, input(700, 500));
  t.match(value, { width: 700, height: 500 }, 'the next one is whole');
});

t.test('an underpainting is painted in its picture’s place, and goes with it', async (t) => {
  const size = { width: 96, height: 80 };
  const small = { width: 48, height: 40 };
  const { value } = await engine.stylize({ size, underpainting: small }, {}, async (turn) => {
    const under = await turn.paint(input(48, 40));
    t.match(under.value, small);
    return input(96, 80);
  });
  t.match(value, size);

  const leaving = new AbortController();
  const { signal } = leaving;
  const tiled = { width: 2000, height: 2000 };
  const left = engine.stylize({ size, underpainting: tiled }, { signal }, async (turn) => {
    const under = turn.paint(input(2000, 2000));
    leaving.abort();
    await t.rejects(under, { code: 'client_closed' });
    return input(96, 80);
  });
  await t.rejects(left, { code: 'client_closed' });
});

t.test('how long a picture takes at most is known of any size, with all before it', async (t) => {
  const bounds = [
    { size: { width: 64, height: 48 } },
    { size: { width: 640, height: 480 } },
    { size: { width: 640, height: 480 }, newStyles: [{ width: 512, height: 512 }] },
    { size: { width: 640, height: 480 }, underpainting: { width: 640, height: 480 } },
    { size: { width: 4000, height: 3000 } },
  ].map((request) => engine.boundMs(request));
  t.ok((bounds[0] ?? 0) > 0);
  t.same(
    bounds,
    bounds.toSorted((a, b) => a - b),
  );
});

t.test('wrong input is refused with what is wrong', async (t) => {
  await t.rejects(stylize(engine, input(15, 40)), {
    code: 'image_too_small',
    message: 'The picture has 15 × 40 pixels; each side needs at least 16.',
  });
  await t.rejects(engine.describe(testPicture(40, 15)), { code: 'image_too_small' });
  const image = { width: 20, height: 20, data: new Uint8Array(7) };
  await t.rejects(engine.describe(image), new TypeError('20 × 20 pixels need 1200 bytes'));
  await t.rejects(stylize(engine, { ...input(20, 20), alpha: NaN }), RangeError);
  await t.rejects(
    stylize(engine, { ...input(20, 20), statistics: new Float32Array(3) }),
    TypeError,
  );
  const coverage = new Uint8Array(399);
  await t.rejects(
    stylize(engine, { ...input(20, 20), coverage }),
    new TypeError('coverage must hold 400 bytes'),
  );
  const shares = new Float32Array(9); // 20 × 20 pixels are 3 × 3 steps
  await t.rejects(stylize(engine, { ...input(20, 20), shares }), /where byPlace says so/);
  const size = { width: 20, height: 20 };
  for (const [wrong, complaint] of [
    [{}, /where byPlace says so/],
    [{ shares: new Float32Array(10) }, /shares must hold 1 to 8 · 9 numbers/],
    [{ shares: new Float32Array(81) }, /shares must hold 1 to 8 · 9 numbers/],
    [{ shares: new Float32Array(18) }, /statistics must hold 2 · 2 · \d+ numbers/],
  ] as const) {
    const paint = () => Promise.resolve({ ...input(20, 20), ...wrong });
    await t.rejects(engine.stylize({ size, byPlace: true }, {}, paint), complaint);
  }
});

t.test('expired and abandoned requests are refused, and so is one too many', async (t) => {
  const options = { deadline: performance.now() - 1 };
  await t.rejects(stylize(engine, input(32, 32), options), { code: 'deadline_exceeded' });
  const signal = AbortSignal.abort();
  await t.rejects(stylize(engine, input(32, 32), { signal }), { code: 'client_closed' });
  const all = Array.from({ length: 15 }, (_, i) => stylize(engine, input(32 + i, 32)));
  const results = await Promise.allSettled(all);
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 12);
  t.match(
    results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : [])),
    [
      { code: 'overloaded', retryAfterSeconds: Number },
      { code: 'overloaded', retryAfterSeconds: Number },
      { code: 'overloaded', retryAfterSeconds: Number },
    ],
  );
});

t.test('close finishes what was accepted and refuses the rest', async (t) => {
  const accepted = [20, 24, 28].map((side) => stylize(engine, input(side, side)));
  const closed = engine.close();
  t.equal(engine.close(), closed);
  t.notOk(engine.ready);
  await t.rejects(stylize(engine, input(32, 32)), { code: 'closing' });
  t.equal((await Promise.all(accepted)).length, 3);
  await closed;
});

t.test('options that cannot work stop the start', async (t) => {
  const options = { modelsDir, queueLimit: 1, maxBatch: 1, tilePixels: 1e6 };
  await t.rejects(createEngine({ ...options, device: 'gpu' }), {
    message: 'device gpu is none of auto, cpu, cuda, cuda:0 or cuda:0,cuda:1',
  });
  await t.rejects(
    createEngine({ ...options, device: 'cpu', tilePixels: 1000 }),
    /set ADAIN_TILE_PIXELS to 147456 at least/,
  );
  await t.rejects(createEngine({ ...options, device: 'cpu', modelsDir: '/nowhere' }), {
    message: '/nowhere/model.json cannot be read: set ADAIN_MODELS_DIR to the folder that holds it',
  });
});
