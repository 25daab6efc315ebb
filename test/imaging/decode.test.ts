import { MessageChannel } from 'node:worker_threads';

import sharp from 'sharp';
import t, { type Test } from 'tap';

import type { Pixels } from '../../src/imaging/decode.ts';
import {
  adobeRgbProfile,
  animation,
  decodeContent,
  greyAlphaPng,
  iccChunk,
  noise,
  pixels,
  plain,
  type Rgb,
  withPngChunk,
} from './files.ts';

const orange: Rgb = [200, 80, 40];

function decode(bytes: Buffer, size?: number) {
  return decodeContent(bytes, { maxPixels: 1_000_000, field: 'content', size });
}

/** The first pixel is `expected`, each channel within `tolerance`. */
function hasColour(t: Test, { image }: Pixels, expected: readonly number[], tolerance = 0): void {
  const found = [...image.data.subarray(0, 3)];
  const off = found.map((value, channel) => Math.abs(value - (expected[channel] ?? NaN)));
  t.ok(Math.max(...off) <= tolerance, `${found.join()} is ${expected.join()} ± ${tolerance}`);
}

t.test('every format', async (t) => {
  for (const format of ['jpeg', 'png', 'webp', 'avif'] as const) {
    const content = await decode(await plain(orange, 40, 24).toFormat(format).toBuffer());
    t.equal(content.format, format);
    t.match(content.image, { width: 40, height: 24 });
    t.equal(content.image.data.length, 3 * 40 * 24);
    t.equal(content.alpha, undefined);
    hasColour(t, content, orange, format === 'png' ? 0 : 6);
  }
});

t.test('pixels of a lossless picture come out as they went in', async (t) => {
  const data = await noise(31, 17).raw().toBuffer();
  const raw = { raw: { width: 31, height: 17, channels: 3 } } as const;
  for (const bytes of [
    await sharp(data, raw).png().toBuffer(),
    await sharp(data, raw).png({ progressive: true }).toBuffer(),
    await sharp(data, raw).webp({ lossless: true }).toBuffer(),
  ]) {
    t.ok(data.equals((await decode(bytes)).image.data));
  }
});

t.test('a progressive JPEG equals the same one in one pass', async (t) => {
  const data = await noise().raw().toBuffer();
  const picture = () => sharp(data, { raw: { width: 96, height: 64, channels: 3 } });
  const progressive = await decode(await picture().jpeg({ progressive: true }).toBuffer());
  const baseline = await decode(await picture().jpeg().toBuffer());
  t.strictSame(progressive.image.data, baseline.image.data);
});

t.test('the name and the declared type do not matter: only bytes come in', async (t) => {
  t.equal((await decode(await noise().png().toBuffer())).format, 'png');
});

t.test('grey becomes RGB', async (t) => {
  const picture = plain([90, 90, 90]).toColourspace('b-w');
  for (const format of ['jpeg', 'png'] as const) {
    const bytes = await picture.clone().toFormat(format).toBuffer();
    t.equal((await sharp(bytes).metadata()).channels, 1);
    const content = await decode(bytes);
    hasColour(t, content, [90, 90, 90]);
    t.equal(content.image.data.length, 3 * 32 * 32);
  }
});

t.test('grey with alpha becomes RGB and opacity', async (t) => {
  const content = await decode(greyAlphaPng(90, 200));
  hasColour(t, content, [90, 90, 90], 1);
  t.strictSame(
    [...(content.alpha ?? [])],
    Array.from({ length: 256 }, () => 200),
  );
});

t.test('16 bits become 8', async (t) => {
  const rgb = await plain(orange).toColourspace('rgb16').png().toBuffer();
  t.equal((await sharp(rgb).metadata()).depth, 'ushort');
  hasColour(t, await decode(rgb), orange);

  const grey = await plain([90, 90, 90]).toColourspace('grey16').png().toBuffer();
  t.equal((await sharp(grey).metadata()).space, 'grey16');
  hasColour(t, await decode(grey), [90, 90, 90]);

  const avif = await plain(orange).avif({ bitdepth: 10 }).toBuffer();
  hasColour(t, await decode(avif), orange, 3);
});

t.test('16 bits with alpha become 8', async (t) => {
  const bytes = await plain(orange, 32, 32, 0.5).toColourspace('rgb16').png().toBuffer();
  const content = await decode(bytes);
  hasColour(t, content, orange, 2);
  t.ok(Math.abs((content.alpha?.[0] ?? 0) - 128) <= 1);
});

t.test('a CMYK JPEG becomes sRGB', async (t) => {
  const soft: Rgb = [150, 120, 100];
  const bytes = await plain(soft).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
  t.equal((await sharp(bytes).metadata()).space, 'cmyk');
  hasColour(t, await decode(bytes), soft, 10);
});

t.test('Display P3 becomes sRGB, of 8 bits and of 16', async (t) => {
  const eight = await plain(orange).withIccProfile('p3').png().toBuffer();
  t.notSame(
    [...(await sharp(eight, { ignoreIcc: true }).raw().toBuffer()).subarray(0, 3)],
    orange,
    'the stored values differ',
  );
  hasColour(t, await decode(eight), orange, 1);

  const sixteen = await sharp(eight).keepIccProfile().toColourspace('rgb16').png().toBuffer();
  t.match(await sharp(sixteen).metadata(), { depth: 'ushort', hasProfile: true });
  hasColour(t, await decode(sixteen), orange, 1);

  const ten = await sharp(eight).keepIccProfile().avif({ bitdepth: 10, lossless: true }).toBuffer();
  t.match(await sharp(ten).metadata(), { depth: 'ushort', hasProfile: true });
  hasColour(t, await decode(ten), orange, 2);
});

t.test('Adobe RGB becomes sRGB', async (t) => {
  const stored: Rgb = [150, 120, 90];
  const png = await plain(stored).png().toBuffer();
  const content = await decode(withPngChunk(png, 'iCCP', iccChunk(adobeRgbProfile())));
  hasColour(t, content, adobeRgbToSrgb(stored), 1);
});

t.test('a broken profile is passed over', async (t) => {
  const png = await plain(orange).png().toBuffer();
  hasColour(t, await decode(withPngChunk(png, 'iCCP', iccChunk(Buffer.alloc(200)))), orange);
});

t.test('EXIF orientation is applied', async (t) => {
  const [width, height] = [20, 24];
  const stored = await noise(width, height).raw().toBuffer();
  const right = width - 1;
  const bottom = height - 1;
  // Where the upright picture's pixel x, y lies in the stored one.
  const origins: ((x: number, y: number) => [x: number, y: number])[] = [
    (x, y) => [x, y],
    (x, y) => [right - x, y],
    (x, y) => [right - x, bottom - y],
    (x, y) => [x, bottom - y],
    (x, y) => [y, x],
    (x, y) => [y, bottom - x],
    (x, y) => [right - y, bottom - x],
    (x, y) => [right - y, x],
  ];
  for (const [index, origin] of origins.entries()) {
    const orientation = index + 1;
    const bytes = await sharp(stored, { raw: { width, height, channels: 3 } })
      .withMetadata({ orientation })
      .png()
      .toBuffer();
    const [uprightWidth, uprightHeight] = orientation < 5 ? [width, height] : [height, width];
    const upright = pixels(uprightWidth, uprightHeight, (x, y) => {
      const [fromX, fromY] = origin(x, y);
      return [...stored.subarray(3 * (fromY * width + fromX)).subarray(0, 3)];
    });
    const { image } = await decode(bytes);
    t.match(image, { width: uprightWidth, height: uprightHeight }, `orientation ${orientation}`);
    t.ok(upright.equals(image.data), `pixels of orientation ${orientation}`);
  }
});

t.test('orientation and size together: the size is that of the upright picture', async (t) => {
  for (const format of ['jpeg', 'png', 'webp', 'avif'] as const) {
    const bytes = await noise(80, 40).withMetadata({ orientation: 6 }).toFormat(format).toBuffer();
    t.match((await decode(bytes, 40)).image, { width: 20, height: 40 }, format);
  }
});

t.test('of an animation the first frame counts', async (t) => {
  const gif = await decode(await animation().gif().toBuffer());
  t.match(gif.image, { width: 32, height: 32 });
  t.equal(gif.format, 'png');
  hasColour(t, gif, [255, 0, 0]);

  const webp = await decode(await animation().webp({ lossless: true }).toBuffer(), 16);
  t.match(webp.image, { width: 16, height: 16 });
  t.equal(webp.format, 'webp');
  hasColour(t, webp, [255, 0, 0], 1);
});

t.test('the alpha channel is kept apart', async (t) => {
  const rgba = pixels(32, 16, (x) => [...orange, x < 16 ? 255 : 100]);
  const picture = sharp(rgba, { raw: { width: 32, height: 16, channels: 4 } });
  for (const [format, bytes] of [
    ['png', await picture.clone().png().toBuffer()],
    ['webp', await picture.clone().webp({ lossless: true }).toBuffer()],
    ['avif', await picture.clone().avif({ lossless: true }).toBuffer()],
  ] as const) {
    const { alpha, image } = await decode(bytes);
    t.equal(image.data.length, 3 * 32 * 16, format);
    t.strictSame([...(alpha ?? [])], [...pixels(32, 16, (x) => [x < 16 ? 255 : 100])], format);
  }
});

t.test('an alpha channel that is opaque everywhere is dropped', async (t) => {
  const content = await decode(await plain(orange, 300, 300, 1).png().toBuffer());
  t.equal(content.alpha, undefined);
  hasColour(t, content, orange);
});

t.test('one pixel that is not opaque keeps the alpha channel', async (t) => {
  const rgba = pixels(300, 300, (x, y) => [...orange, x === 299 && y === 299 ? 254 : 255]);
  const bytes = await sharp(rgba, { raw: { width: 300, height: 300, channels: 4 } })
    .png()
    .toBuffer();
  const { alpha } = await decode(bytes);
  t.equal(alpha?.at(-1), 254);
});

const decodeRgba = async (rgba: Uint8Array, side: number) =>
  decode(
    await sharp(rgba, { raw: { width: side, height: side, channels: 4 } })
      .png()
      .toBuffer(),
  );

t.test('what lies under transparent pixels does not show: the mean of the rest does', async (t) => {
  const stripes = (x: number) => [...(x % 16 < 8 ? orange : [40, 80, 200]), 255];
  const content = await decodeRgba(
    pixels(64, 64, (x) => (x < 32 ? [0, 255, 0, 0] : stripes(x))),
    64,
  );
  hasColour(t, content, [120, 80, 120], 3);
});

t.test('a shape of one colour stands out from its ground', async (t) => {
  for (const [color, ground] of [
    [0, 255],
    [255, 0],
  ] as const) {
    const ink = [color, color, color, 255];
    const shape = pixels(64, 64, (x) => (x < 32 ? [90, 90, 90, 0] : ink));
    hasColour(t, await decodeRgba(shape, 64), [ground, ground, ground]);
  }
});

t.test('translucent colours keep their contrast, faint ones fade', async (t) => {
  const rgba = pixels(64, 64, (x, y) => [x < 32 ? 0 : 200, 0, 0, y < 32 ? 64 : 4]);
  const { image } = await decodeRgba(rgba, 64);
  const red = (x: number, y: number) => image.data[3 * (64 * y + x)] ?? NaN;
  t.ok(red(63, 0) - red(0, 0) > 190, `${red(0, 0)} and ${red(63, 0)}`);
  t.ok(red(63, 63) - red(0, 63) < 20, `${red(0, 63)} and ${red(63, 63)}`);
});

t.test('a picture of which nothing is visible is mid-grey', async (t) => {
  const content = await decode(await plain([0, 255, 0], 32, 32, 0).png().toBuffer());
  hasColour(t, content, [128, 128, 128]);
  t.equal(content.alpha?.[0], 0);
});

t.test('scaling does not draw hidden colours over the edges', async (t) => {
  const rgba = pixels(66, 66, (x) => (x < 33 ? [0, 255, 0, 0] : [...orange, 255]));
  const { image } = await decode(
    await sharp(rgba, { raw: { width: 66, height: 66, channels: 4 } })
      .png()
      .toBuffer(),
    20,
  );
  const { data } = image;
  const greener = data.map((value, at) =>
    at % 3 === 1 ? Math.max(0, value - (data[at - 1] ?? 0)) : 0,
  );
  t.ok(Math.max(...greener) <= 8, `green is ${Math.max(...greener)} above red`);
});

t.test('a colour named transparent in a PNG or GIF is an alpha channel', async (t) => {
  const gif = await sharp(
    pixels(32, 32, (x) => (x < 16 ? [0, 0, 0, 0] : [...orange, 255])),
    { raw: { width: 32, height: 32, channels: 4 } },
  )
    .gif()
    .toBuffer();
  const fromGif = await decode(gif);
  t.strictSame([fromGif.alpha?.[0], fromGif.alpha?.[31]], [0, 255]);

  const key = Buffer.from(orange.flatMap((value) => [0, value]));
  const png = withPngChunk(await plain(orange).png({ palette: false }).toBuffer(), 'tRNS', key);
  t.equal((await decode(png)).alpha?.[0], 0);
});

t.test('size is the longest side of the result, up or down, rounded', async (t) => {
  const wide = await noise(101, 67).png().toBuffer();
  const high = await noise(67, 101).jpeg().toBuffer();
  const shape = async (bytes: Buffer, size: number) => {
    const { image } = await decode(bytes, size);
    t.equal(image.data.length, 3 * image.width * image.height);
    return [image.width, image.height];
  };
  t.strictSame(await shape(wide, 101), [101, 67]);
  t.strictSame(await shape(wide, 50), [50, 33]);
  t.strictSame(await shape(wide, 37), [37, 25]);
  t.strictSame(await shape(wide, 333), [333, 221]);
  t.strictSame(await shape(high, 50), [33, 50]);
  t.strictSame(await shape(high, 203), [135, 203]);
});

t.test('a JPEG much larger than the size is shrunk to the same shape and colour', async (t) => {
  const content = await decode(await plain(orange, 999, 333).jpeg().toBuffer(), 97);
  t.match(content.image, { width: 97, height: 32 });
  hasColour(t, content, orange, 4);
});

t.test('bytes behind the end of a picture are passed over', async (t) => {
  for (const format of ['jpeg', 'png', 'gif'] as const) {
    const bytes = await plain(orange).toFormat(format).toBuffer();
    hasColour(t, await decode(Buffer.concat([bytes, Buffer.alloc(100)])), orange, 6);
  }
});

t.test('pixels and opacity own their memory and can be transferred', async (t) => {
  const { port1, port2 } = new MessageChannel();
  t.teardown(() => {
    port1.close();
    port2.close();
  });
  for (const opacity of [undefined, 0.5]) {
    // Of this size the pixels are copied in several chunks.
    const bytes = await plain(orange, 1300, 1300, opacity).png().toBuffer();
    const { image, alpha } = await decodeContent(bytes, { maxPixels: 2e6, field: 'content' });
    t.ok(image.data.every((value, at) => Math.abs(value - (orange[at % 3] ?? 0)) <= 2));
    for (const plane of alpha ? [image.data, alpha] : [image.data]) {
      t.equal(plane.byteOffset, 0);
      t.equal(plane.buffer.byteLength, plane.length);
      port1.postMessage(plane, [plane.buffer]);
      t.equal(plane.buffer.byteLength, 0, 'moved, not cloned');
    }
  }
});

/** By the two standards' formulas, independently of any profile. */
function adobeRgbToSrgb(stored: Rgb): number[] {
  const [r, g, b] = stored.map((value) => (value / 255) ** (563 / 256)) as [number, number, number];
  const linear = [1.3983557 * r - 0.3983557 * g, g, -0.0429289 * g + 1.0429289 * b];
  return linear.map((value) =>
    Math.round(255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055)),
  );
}
