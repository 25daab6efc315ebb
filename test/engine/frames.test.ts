import t from 'tap';
import { createEngine } from '../../src/engine/index.ts';
import type { Engine, StylizeInput, StylizeRequest, Timed } from '../../src/engine/index.ts';
import type { RgbImage } from '../../src/rgb-image.ts';
import { closeness, copyOf, modelsDir, stylize, testPicture } from './helpers.ts';

const engine = await createEngine({
  ...{ modelsDir, device: 'cpu', threads: 2, queueLimit: 4, tilePixels: 384 ** 2 },
});
t.teardown(() => engine.close());
const { value: statistics } = await engine.describe(testPicture(64, 64, 5));

/** The picture with another one in its leftmost columns. */
function moving(image: RgbImage, columns: number, seed: number): RgbImage {
  const other = testPicture(image.width, image.height, seed);
  const data = image.data.map((value, i) =>
    Math.floor(i / 3) % image.width < columns ? (other.data[i] as number) : value,
  );
  return { ...image, data };
}

/** Paints frames with the statistics that the first of them has as a content. */
async function paintFrames(
  frames: readonly RgbImage[],
  changes: Partial<StylizeInput> = {},
  by: Engine = engine,
): Promise<RgbImage[]> {
  const [{ width, height }] = frames as [RgbImage];
  const request: StylizeRequest = {
    ...{ size: { width, height }, frames: frames.length, byPlace: Boolean(changes.shares) },
  };
  const painted: Timed<RgbImage>[] = [];
  const last = await by.stylize(request, {}, async (turn) => {
    const { alpha = 1, shares } = changes;
    const seen = frames.map((image) => ({ image: copyOf(image), alpha, shares: shares?.slice() }));
    const [first] = await Promise.all(seen.map((one) => turn.measure(one)));
    const inputs = frames.map((image): StylizeInput => ({
      ...{ statistics, alpha: 1, color: 'style', ...changes },
      ...{ image: copyOf(image), shares: shares?.slice(), content: first?.value },
    }));
    for (const input of inputs.slice(0, -1)) painted.push(await turn.paint(input));
    return inputs.at(-1) as StylizeInput;
  });
  return [...painted, last].map(({ value }) => value);
}

for (const [name, height] of [
  ['in one piece', 64],
  ['in tiles', 480],
] as const) {
  t.test(`what stands still is the same in every frame, to the bit: ${name}`, async (t) => {
    const still = testPicture(512, height);
    const frames = [2, 3, 4].map((seed) => moving(still, 96, seed));
    const [first, ...others] = (await paintFrames(frames)) as [RgbImage, ...RgbImage[]];
    const right = ({ data }: RgbImage) =>
      Buffer.from(data.filter((_, i) => Math.floor(i / 3) % 512 >= 384));
    for (const other of others) {
      t.ok(right(other).equals(right(first)));
      t.notOk(Buffer.from(other.data).equals(first.data));
    }
  });

  t.test(`with statistics of its own a frame is what the picture alone is: ${name}`, async (t) => {
    const image = testPicture(400, height);
    for (const alpha of [1, 0.3]) {
      const [frame] = await paintFrames([image, image], { alpha });
      const input = { image: copyOf(image), statistics, alpha, color: 'style' as const };
      const { value } = await stylize(engine, input);
      const { share, largest } = closeness(frame?.data ?? [], value.data);
      t.ok(share > 0.9999 && largest <= 3, `${share} within 1, all within ${largest}`);
    }
  });
}

t.test('by place likewise', async (t) => {
  const image = testPicture(96, 64);
  const shares = Float32Array.from({ length: 12 * 8 }, (_, i) => (i % 12) / 12);
  const [frame] = await paintFrames([image, image], { shares });
  const { value } = await engine.stylize(
    { size: { width: 96, height: 64 }, byPlace: true },
    {},
    () => Promise.resolve({ image: copyOf(image), statistics, alpha: 1, color: 'style', shares }),
  );
  const { share, largest } = closeness(frame?.data ?? [], value.data);
  t.ok(share > 0.9999 && largest <= 3, `${share} within 1, all within ${largest}`);
});

t.test('the time of all frames is reserved, measured and painted, and of underpaintings', (t) => {
  const size = { width: 256, height: 256 };
  const one = engine.boundMs({ size });
  const bounds = [
    engine.boundMs({ size, frames: 100 }),
    engine.boundMs({ size, frames: 100, underpainting: size }),
  ];
  t.ok((bounds[0] ?? 0) > 100 * one);
  t.ok(Math.abs((bounds[1] ?? 0) / (bounds[0] ?? 0) - 2) < 1e-6);
  t.end();
});

t.test(
  'frames that will not be done in time are refused at once, where there is work',
  async (t) => {
    const size = { width: 512, height: 512 };
    const input = () => ({
      ...{ image: testPicture(512, 512), statistics, alpha: 1, color: 'style' as const },
    });
    const busy = stylize(engine, input());
    const request = (frames: number) => {
      const deadline = performance.now() + 2 * engine.boundMs({ size, frames: 2 });
      return engine.stylize({ size, frames }, { deadline }, () => {
        throw new Error('nothing is prepared');
      });
    };
    await t.rejects(request(1000), { code: 'deadline_exceeded' });
    await busy;
  },
);

t.test('who leaves takes the frames that are left', async (t) => {
  const leaving = new AbortController();
  const size = { width: 64, height: 48 };
  const image = () => testPicture(64, 48);
  const frame = (): StylizeInput => ({
    ...{ image: image(), statistics, content: statistics, alpha: 1, color: 'style' },
  });
  const left = engine.stylize({ size, frames: 50 }, { signal: leaving.signal }, async (turn) => {
    await turn.measure({ image: image(), alpha: 1 });
    await turn.paint(frame());
    leaving.abort();
    await t.rejects(turn.paint(frame()), { code: 'client_closed' });
    await t.rejects(turn.measure({ image: image(), alpha: 1 }), { code: 'client_closed' });
    return frame();
  });
  await t.rejects(left, { code: 'client_closed' });
  const next = { image: image(), statistics, alpha: 1, color: 'style' as const };
  t.match((await stylize(engine, next)).value, size);
});

t.test('what was not announced is refused', async (t) => {
  const content = statistics;
  const image = () => testPicture(40, 40);
  const input = () => ({ image: image(), statistics, alpha: 1, color: 'style' as const });
  await t.rejects(stylize(engine, { ...input(), content }), /content comes where frames says so/);
  const prepare = (changes: object) => () => Promise.resolve({ ...input(), ...changes });
  const request = { size: { width: 40, height: 40 }, frames: 2 };
  await t.rejects(engine.stylize(request, {}, prepare({})), /content comes where frames says so/);
  await t.rejects(
    engine.stylize(request, {}, prepare({ content: new Float32Array(3) })),
    /content must hold/,
  );
  const shares = new Float32Array(7);
  const measuring = engine.stylize(request, {}, async (turn) => {
    await turn.measure({ image: image(), alpha: 1, shares });
    return input();
  });
  await t.rejects(measuring, /shares must hold/);
});
