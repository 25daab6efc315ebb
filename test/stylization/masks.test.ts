import sharp from 'sharp';
import t from 'tap';

import { mixed } from '../../src/stylization/blend.ts';
import { openMasks } from '../../src/stylization/masks.ts';

const { signal } = new AbortController();
const options = { maxPixels: 1e6, stride: 8, signal };
const size = { width: 37, height: 21 }; // 5 × 3 steps, the last of 5 × 5 pixels
const pixels = size.width * size.height;

type Grey = (x: number, y: number) => number;
const draw = (grey: Grey) =>
  Uint8Array.from({ length: pixels }, (_, i) => grey(i % size.width, Math.floor(i / size.width)));
const file = (greys: Uint8Array) =>
  sharp(greys, { raw: { ...size, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();

const greys = [
  draw((x) => (x < 16 ? 255 : 0)),
  draw((x, y) => Math.min(255, 5 * x + 3 * y)),
  draw((x, y) => (x > 24 && y > 8 ? 100 : 0)),
  draw(() => 200),
] as const;
const files = await Promise.all(greys.map(file));
const counts = (...pairs: (readonly [weight: number, alpha: number])[]) =>
  pairs.map(([weight, alpha]) => ({ weight, alpha }));

/** As the formulas have it. */
function expected(masks: readonly Uint8Array[], styles: ReturnType<typeof counts>) {
  const coverage = Uint8Array.from({ length: pixels }, (_, i) =>
    Math.min(
      255,
      masks.reduce((sum, mask) => sum + (mask[i] ?? NaN), 0),
    ),
  );
  const means = masks.map((mask) =>
    Array.from({ length: 15 }, (_, place) => {
      const inside = [...mask].filter((_, i) => {
        const [x, y] = [i % size.width, Math.floor(i / size.width)];
        return Math.floor(y / 8) * 5 + Math.floor(x / 8) === place;
      });
      return inside.reduce((sum, value) => sum + value, 0) / inside.length / 255;
    }),
  );
  const shares = styles.flatMap(({ weight, alpha }, k) =>
    Array.from({ length: 15 }, (_, place) => {
      const of = (style: number) => (styles[style]?.weight ?? NaN) * (means[style]?.[place] ?? NaN);
      const total = styles.reduce((sum, _, style) => sum + of(style), 0);
      const all = styles.reduce((sum, style) => sum + style.weight, 0);
      return alpha * (total > 0 ? of(k) / total : weight / all);
    }),
  );
  return { coverage, shares };
}

const close = (found: ArrayLike<number> | undefined, wanted: readonly number[]) =>
  found?.length === wanted.length &&
  wanted.every((value, i) => Math.abs(value - (found[i] ?? NaN)) < 1e-6);

t.test('no mask, nothing', async (t) => {
  const masks = await openMasks([], counts([1, 1]), size, options);
  t.match(masks, { byPlace: false, heldBytes: 0, decodeBytes: 0 });
  t.same(await masks.decode(signal), {});
});

t.test('one mask is the coverage, for one style and for several', async (t) => {
  for (const styles of [counts([1, 1]), counts([1, 1], [2, 0.5], [0, 1])]) {
    const masks = await openMasks([files[1] ?? Buffer.of()], styles, size, options);
    t.match(masks, { byPlace: false, heldBytes: pixels });
    t.ok(masks.decodeBytes > 2 * pixels);
    t.same(await masks.decode(signal), { coverage: greys[1] });
  }
});

t.test('masks of several styles: coverage adds up, shares by grey, weight and alpha', async (t) => {
  const [left, slope, corner] = greys;
  for (const [masks, styles] of [
    [[left, slope], counts([1, 1], [1, 1])],
    [[left, slope, corner], counts([1, 1], [3, 0.5], [0.2, 0])],
    [[left, corner], counts([1, 0.3], [2, 0.6])], // between them both are black
  ] as const) {
    const sent = masks.map((mask) => files[greys.indexOf(mask)] ?? Buffer.of());
    const opened = await openMasks(sent, styles, size, options);
    t.match(opened, { byPlace: true, heldBytes: pixels + 4 * 15 * styles.length });
    const found = await opened.decode(signal);
    const { coverage, shares } = expected(masks, styles);
    t.same(found.coverage, coverage);
    t.ok(close(found.shares, shares));
  }
});

t.test('a style without weight is left out, and its mask', async (t) => {
  const [left, slope, corner] = greys;
  const sent = [left, slope, corner].map((mask) => files[greys.indexOf(mask)] ?? Buffer.of());
  const two = await openMasks(sent, counts([1, 1], [0, 1], [2, 1]), size, options);
  const found = await two.decode(signal);
  const { coverage, shares } = expected([left, corner], counts([1, 1], [2, 1]));
  t.same(found.coverage, coverage);
  t.ok(close(found.shares, shares));
  const one = await openMasks(sent, counts([0, 1], [0, 1], [2, 1]), size, options);
  t.equal(one.byPlace, false);
  t.same(await one.decode(signal), { coverage: corner });
});

t.test('who leaves decodes no further mask', async (t) => {
  const leaving = new AbortController();
  const masks = await openMasks(files.slice(0, 2), counts([1, 1], [1, 1]), size, options);
  const decoding = masks.decode(leaving.signal);
  leaving.abort(new Error('left'));
  await t.rejects(decoding, new Error('left'));
});

t.test('styles of different alphas are one blend at one alpha', (t) => {
  const styles = [Float32Array.of(1, 2), Float32Array.of(3, 6), Float32Array.of(-5, 0)];
  t.same(mixed(styles, counts([1, 0.3], [3, 0.3], [0, 1])), {
    statistics: Float32Array.of(2.5, 5),
    alpha: 0.3,
  });
  const { statistics, alpha } = mixed(styles, counts([2, 1], [1, 0.5], [1, 0]));
  t.equal(alpha, 2.5 / 4);
  // (1 − A)·x + Σ wₖ·aₖ·yₖ, of which A·statistics is the last.
  t.ok(
    close(
      [...statistics].map((value) => alpha * value),
      [(2 * 1 + 1.5) / 4, (4 + 3) / 4],
    ),
  );
  t.end();
});
