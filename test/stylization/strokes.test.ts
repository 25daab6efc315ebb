import t from 'tap';

import type { StylizeInput } from '../../src/engine/index.ts';
import { createStages } from '../../src/observability/stages.ts';
import type { RgbImage } from '../../src/rgb-image.ts';
import { needsPhotograph, passesFor, prepareStrokes } from '../../src/stylization/strokes.ts';
import { copyOf, testPicture } from '../engine/helpers.ts';
import { timed } from '../support/fake-engine.ts';

t.test('a picture is painted at a k-th of its size', (t) => {
  const size = { width: 900, height: 600 };
  t.same(passesFor(1, size, 1e6), { painted: size, underpainting: undefined });
  t.same(passesFor(3, size, 1e6), { painted: size, underpainting: { width: 300, height: 200 } });
  const [narrow, half] = [passesFor(0.5, size, 1e7), { width: 1800, height: 1200 }];
  t.same(narrow, { painted: half, underpainting: undefined });
  const strip = passesFor(4, { width: 400, height: 20 }, 1e6);
  t.same(strip.underpainting, { width: 100, height: 16 }, 'no side is too small for the networks');
  const least = { width: 16, height: 16 };
  for (const [strokes, same] of [
    [1.0001, size],
    [0.9999, size],
    [4, least],
  ] as const) {
    const passes = passesFor(strokes, same, 1e6);
    t.equal(passes.painted, same, 'the size that it has is painted once');
    t.equal(passes.underpainting, undefined);
  }
  t.end();
});

t.test('auto: as wide, in proportion, as in a picture of 1024 pixels', (t) => {
  for (const side of [16, 1024, 1448]) {
    const size = { width: 16, height: side };
    t.same(passesFor('auto', size, 1e9), { painted: size, underpainting: undefined });
  }
  for (const [side, small] of [
    [1449, 1024],
    [4000, 1024],
    [6000, 1500],
  ] as const) {
    const { underpainting } = passesFor('auto', { width: side, height: side }, 1e9);
    t.same(underpainting, { width: small, height: small });
  }
  t.end();
});

t.test('what narrow strokes would need is bounded', (t) => {
  const paint = () => passesFor(0.25, { width: 200, height: 100 }, 300_000);
  t.throws(paint, {
    code: 'too_many_pixels',
    field: 'strokes',
    message:
      'Strokes of 0.25 are painted at 800×400 = 320000 pixels; at most 300000 are. Ask for wider strokes or a smaller size.',
  });
  t.end();
});

/** The photograph that all of these begin with. */
const photograph = () => testPicture(96, 64, 1);
const stride = 8;

/** Prepares, with an engine that answers with the picture that came. */
async function prepared(changes: Partial<StylizeInput>, strokes: number) {
  const image = photograph();
  const input: StylizeInput = {
    ...{ image, statistics: new Float32Array(8), alpha: 1, color: 'style' as const, ...changes },
  };
  const asked: StylizeInput[] = [];
  const turn = {
    signal: new AbortController().signal,
    paint: (input: StylizeInput) => {
      asked.push({ ...input, image: copyOf(input.image) });
      return Promise.resolve(timed(input.image));
    },
  };
  const stages = createStages();
  const made = await prepareStrokes(input, passesFor(strokes, image, 1e6), stride, turn, stages);
  return { input, asked, made: made.input, finish: made.finish, stages };
}

function distance({ data }: RgbImage, other: RgbImage): number {
  return data.reduce((sum, value, i) => sum + Math.abs(value - (other.data[i] ?? NaN)), 0);
}

t.test('wide strokes: painted small, enlarged, and painted over lightly', async (t) => {
  const { asked, made, stages } = await prepared({ alpha: 0.8 }, 2);
  t.match(asked, [{ alpha: 0.8, image: { width: 48, height: 32 } }]);
  t.match(made, { alpha: 0.2, image: { width: 96, height: 64 }, photograph: undefined });
  t.ok(stages.times.has('underpaint'));
});

t.test('where the rest of the photograph is not needed it may come small', async (t) => {
  const small = testPicture(48, 32, 1);
  const { data } = copyOf(small);
  const asked: StylizeInput[] = [];
  const turn = {
    signal: new AbortController().signal,
    paint: (input: StylizeInput) => {
      asked.push(input);
      t.same(input.image.data, data, 'as it came');
      return Promise.resolve(timed(input.image));
    },
  };
  const input = {
    image: small,
    statistics: new Float32Array(8),
    alpha: 1,
    color: 'style' as const,
  };
  const passes = passesFor(2, photograph(), 1e6);
  const made = await prepareStrokes(input, passes, stride, turn, createStages());
  t.equal(asked.length, 1);
  t.match(made.input, { alpha: 0.25, image: { width: 96, height: 64 }, photograph: undefined });

  const plain = { counts: [{ weight: 1, alpha: 1 }], masks: [], color: 'style' as const };
  const opaque = { hasAlpha: false };
  t.notOk(needsPhotograph(plain, opaque));
  t.ok(needsPhotograph(plain, { hasAlpha: true }));
  t.ok(needsPhotograph({ ...plain, color: 'only' }, opaque));
  t.ok(needsPhotograph({ ...plain, masks: [Buffer.alloc(1)] }, opaque));
  t.ok(needsPhotograph({ ...plain, counts: [{ weight: 1, alpha: 0.5 }] }, opaque));
  t.end();
});

t.test('colours are the photograph’s, in the last painting alone', async (t) => {
  const { input, asked, made } = await prepared({ color: 'content' }, 2);
  t.match(asked, [{ color: 'style' }]);
  t.equal(made.color, 'content');
  t.equal(made.photograph, input.image);
});

t.test('what alpha leaves of the photograph has its details', async (t) => {
  const [none, half, all] = await Promise.all(
    [0, 0.5, 1].map(async (alpha) => {
      const { made } = await prepared({ alpha }, 4);
      return distance(made.image, photograph());
    }),
  );
  t.equal(none, 0);
  t.ok(Number(all) > 1.5 * Number(half) && Number(half) > 0);
});

t.test('with masks, in every place what its styles leave', async (t) => {
  // Two styles: all of the first on the left, nothing of the second on the right.
  const shares = Float32Array.from({ length: 2 * 8 * 12 }, (_, i) =>
    i < 8 * 12 && i % 12 < 6 ? 1 : 0,
  );
  const { asked, made } = await prepared({ shares, coverage: new Uint8Array(96 * 64) }, 4);
  const half = (image: RgbImage, from: number): RgbImage => ({
    ...{ width: 48, height: 64 },
    data: image.data.filter((_, i) => Math.floor((i % 288) / 144) === from),
  });
  t.equal(distance(half(made.image, 1), half(photograph(), 1)), 0);
  t.ok(distance(half(made.image, 0), half(photograph(), 0)) > 1000);
  t.same(made.shares, shares, 'the shares of the last painting are those of the picture');
  t.same(
    [...(asked[0]?.shares ?? [])],
    [1, 0.5, 0, 1, 0.5, 0, 0, 0, 0, 0, 0, 0],
    'and of the small one means of them',
  );
  t.equal(asked[0]?.coverage, undefined, 'all of that is painted');
  t.ok(made.coverage && made.photograph);
});

t.test('narrow strokes: painted large; of 1: as it is', async (t) => {
  const narrow = await prepared({}, 0.5);
  t.match(narrow.made, { alpha: 1, image: { width: 192, height: 128 } });
  t.same(narrow.asked, []);
  t.match(await narrow.finish(narrow.made.image), { width: 96, height: 64 });
  const plain = await prepared({}, 1);
  t.equal(plain.made.image, plain.input.image);
});

t.test('narrow strokes leave what is not covered, to the bit', async (t) => {
  const coverage = Uint8Array.from({ length: 96 * 64 }, (_, i) => (i < 96 * 32 ? 0 : 255));
  const { made, finish } = await prepared({ coverage }, 0.5);
  t.equal(made.coverage, undefined);
  const black = { ...made.image, data: made.image.data.fill(0) };
  const { data } = await finish(black);
  t.same(data.subarray(0, 3 * 96 * 32), photograph().data.subarray(0, 3 * 96 * 32));
  t.ok(data.subarray(3 * 96 * 32).every((value) => value === 0));
});
