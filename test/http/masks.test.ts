import sharp from 'sharp';
import t from 'tap';

import { build, form, photo, recorder, type Field } from '../support/app.ts';

const { lines, logger } = recorder();
// One at a time: two side by side are the engine's tests' affair.
const app = await build(t, { ADAIN_MAX_BATCH: '1' }, { logger });
const size = { width: 208, height: 72 };
const content = await photo(size.width, size.height);
const [first, second] = ['mosaic', 'woodcut'] as const;

/** The result's pixels, R G B of each. */
async function paint(...fields: readonly Field[]): Promise<Buffer> {
  const reply = await app.inject(await form(['content', content], ...fields));
  if (reply.statusCode !== 200) throw new Error(reply.body);
  return sharp(reply.rawPayload).removeAlpha().raw().toBuffer();
}

const draw = (grey: (x: number, y: number) => number, width = 104, height = 36) =>
  sharp(
    Uint8Array.from({ length: width * height }, (_, i) =>
      grey((i % width) / width, Math.floor(i / width) / height),
    ),
    { raw: { width, height, channels: 1 } },
  )
    .toColourspace('b-w')
    .png()
    .toBuffer();

const [black, white, left, right] = await Promise.all([
  draw(() => 0),
  draw(() => 255),
  draw((x) => (x < 0.5 ? 255 : 0)),
  draw((x) => (x < 0.5 ? 0 : 255)),
]);
const original = await sharp(content).removeAlpha().raw().toBuffer();

/** Of every row the pixels from x0 to x1. */
const columns = (pixels: Buffer, x0: number, x1: number) =>
  Array.from({ length: size.height }, (_, y) => {
    const row = 3 * y * size.width;
    return [...pixels.subarray(row + 3 * x0, row + 3 * x1)];
  }).flat();

const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0);
const mean = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? NaN)), 0) / a.length;

/** Further from the middle than a painted pixel sees: the last columns of either side. */
const ends = (pixels: Buffer) => [columns(pixels, 0, 24), columns(pixels, 184, 208)] as const;

t.test('black leaves the photograph, white paints, grey is between', async (t) => {
  const painted = await paint(['styleId', first]);
  t.same(await paint(['styleId', first], ['mask', white]), painted);
  t.same(await paint(['styleId', first], ['mask', black]), original);
  const half = await paint(['styleId', first], ['mask', await draw(() => 51)]);
  const expected = painted.map((value, i) => {
    const photograph = original[i] ?? NaN;
    return Math.round(photograph + (value - photograph) / 5);
  });
  t.same(half, expected);
});

t.test('half of a picture is painted, the other half is as it was, in any format', async (t) => {
  const painted = await paint(['styleId', first]);
  for (const mask of [left, await sharp(left).webp({ lossless: true }).toBuffer()]) {
    const both = await paint(['styleId', first], ['mask', mask]);
    t.same(columns(both, 0, 100), columns(painted, 0, 100));
    t.same(columns(both, 108, 208), columns(original, 108, 208));
  }
});

t.test('one mask is for all styles', async (t) => {
  const styles = [
    ['styleId', `${first},${second}`],
    ['weights', '3,1'],
  ] as const;
  const blended = await paint(...styles);
  const masked = await paint(...styles, ['mask', left]);
  t.same(columns(masked, 0, 100), columns(blended, 0, 100));
  t.same(columns(masked, 108, 208), columns(original, 108, 208));
});

t.test('masks are the styles’ in the order of the form, files and ids mixed', async (t) => {
  const style = await photo(64, 64, 7);
  const one = ends(await paint(['style', style]));
  const other = ends(await paint(['styleId', first]));
  for (const [fields, onLeft, onRight] of [
    [
      [
        ['style', style],
        ['styleId', first],
        ['mask', left],
        ['mask', right],
      ],
      one,
      other,
    ],
    [
      [
        ['mask', left],
        ['styleId', first],
        ['mask', right],
        ['style', style],
      ],
      other,
      one,
    ],
  ] as const) {
    const found = ends(await paint(...(fields as readonly Field[])));
    t.ok(largest(found[0], onLeft[0]) <= 1);
    t.ok(largest(found[1], onRight[1]) <= 1);
  }
  t.ok(largest(one[0], other[0]) > 20, 'these differ');
});

t.test('full masks of several styles are the blend', async (t) => {
  const styles = [
    ['styleId', `${first},${second},great-wave`],
    ['weights', '3,1,2'],
    ['alpha', '0.8'],
  ] as const;
  const masks = [1, 2, 3].map(() => ['mask', white] as const);
  t.ok(largest(await paint(...styles, ...masks), await paint(...styles)) <= 1);
});

t.test('where all of several masks are black the photograph returns', async (t) => {
  const styles = ['styleId', `${first},${second}`] as const;
  t.same(await paint(styles, ['mask', black], ['mask', black]), original);
  const some = await paint(styles, ['mask', left], ['mask', black]);
  t.same(columns(some, 108, 208), columns(original, 108, 208));
});

t.test('a style of weight 0 is left out with its mask', async (t) => {
  const found = await paint(
    ['styleId', `${first},${second}`],
    ['weights', '0,2'],
    ['mask', left],
    ['mask', right],
  );
  t.same(found, await paint(['styleId', second], ['mask', right]));
});

t.test('an alpha a style, in its place and in a blend', async (t) => {
  const styles = ['styleId', `${first},${second}`] as const;
  const found = ends(await paint(styles, ['mask', left], ['mask', right], ['alpha', '0,0.6']));
  const none = ends(await paint(['styleId', first], ['alpha', '0']));
  const some = ends(await paint(['styleId', second], ['alpha', '0.6']));
  t.ok(largest(found[0], none[0]) <= 1);
  // Grain goes with alpha, and the content's statistics with its grain, by a hair.
  t.ok(mean(found[1], some[1]) < 0.5);
  t.ok(mean(found[1], ends(await paint(['styleId', second], ['alpha', '0.5']))[1]) > 1);

  t.same(await paint(styles, ['alpha', '0.6,0.6']), await paint(styles, ['alpha', '0.6']));
  t.same(
    await paint(styles, ['alpha', '0'], ['alpha', '1']),
    await paint(['styleId', second], ['alpha', '0.5']),
    'repeated: half of the features stay, the other half are of the second',
  );
});

t.test('colors are mixed before the mask lays them over', async (t) => {
  const only = [
    ['styleId', first],
    ['color', 'only'],
  ] as const;
  const masked = await paint(...only, ['mask', left]);
  t.same(columns(masked, 0, 100), columns(await paint(...only), 0, 100));
  t.same(columns(masked, 108, 208), columns(original, 108, 208));
});

t.test('transparency stays, and size stretches the mask', async (t) => {
  const clear = await sharp(content).ensureAlpha(0.5).png().toBuffer();
  const reply = await app.inject(
    await form(['content', clear], ['styleId', first], ['mask', right], ['size', '104']),
  );
  const { data, info } = await sharp(reply.rawPayload).raw().toBuffer({ resolveWithObject: true });
  t.same([info.width, info.height, info.channels], [104, 36, 4]);
  t.ok(Math.abs((data[3] ?? NaN) - 127) <= 1);
});

t.test('the log line counts masks', async (t) => {
  const last = () => lines.findLast(({ route }) => route === '/stylize');
  await paint(['styleId', `${first},${second}`], ['mask', left], ['mask', right]);
  t.match(last(), { mask: 2, styles: [first, second], status: 200 });
  await paint(['styleId', first]);
  t.notOk('mask' in (last() ?? {}));
});
