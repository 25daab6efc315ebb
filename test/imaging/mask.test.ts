import sharp from 'sharp';
import t from 'tap';

import { openMask } from '../../src/imaging/mask.ts';
import { noise, pixels, plain } from './files.ts';

const limits = { maxPixels: 1e6, field: 'mask' };

async function greys(file: Buffer | Promise<Buffer>, width: number, height: number) {
  const mask = await openMask(await file, { width, height }, limits);
  const decoded = await mask.decode();
  t.equal(decoded.length, width * height);
  return [...decoded];
}

const levels = Array.from({ length: 256 }, (_, level) => level);

/** 256 × 1 pixels, each as `pixel` says. */
const ramp = (pixel: (level: number) => readonly number[]) => {
  const channels = pixel(0).length as 1 | 2 | 3 | 4;
  const raw = { width: 256, height: 1, channels };
  return sharp(Buffer.from(levels.flatMap(pixel)), { raw });
};

t.test('greys are what they are, in every format and depth', async (t) => {
  const grey = ramp((level) => [level]).toColourspace('b-w');
  const rgb = ramp((level) => [level, level, level]);
  const files = {
    'grey PNG': grey.clone().png(),
    'RGB PNG': rgb.clone().png(),
    'a palette': rgb.clone().png({ palette: true }),
    'grey PNG of 16 bits': grey.clone().toColourspace('grey16').png(),
    'a profile': rgb.clone().withIccProfile('p3').png(),
    WebP: rgb.clone().webp({ lossless: true }),
    AVIF: rgb.clone().avif({ lossless: true }),
  };
  for (const [name, file] of Object.entries(files)) {
    t.same(await greys(file.toBuffer(), 256, 1), levels, name);
  }
  const wide = await greys(rgb.clone().toColourspace('rgb16').png().toBuffer(), 256, 1);
  t.ok(wide.every((level, index) => Math.abs(level - index) <= 1));
  t.same([wide[0], wide[255]], [0, 255], 'black and white of 16 bits stay so');
});

t.test(
  'opacity is the mask where it is not whole, else the luminance of the colours',
  async (t) => {
    const black = (level: number) => [0, 0, 0, level] as const;
    t.same(await greys(ramp(black).png().toBuffer(), 256, 1), levels);
    t.same(
      await greys(
        ramp((level) => [255, level])
          .png()
          .toBuffer(),
        256,
        1,
      ),
      levels,
      'of grey',
    );
    const webp = ramp(black).webp({ lossless: true, exact: true });
    t.same(await greys(webp.toBuffer(), 256, 1), levels);
    const wide = await greys(ramp(black).toColourspace('rgb16').png().toBuffer(), 256, 1);
    t.ok(wide.every((level, index) => Math.abs(level - index) <= 1));
    const opaque = ramp((level) => [level, level, level, 255]);
    t.same(await greys(opaque.clone().png().toBuffer(), 256, 1), levels);
    const dots = pixels(40, 30, (x, y) => [0, 0, 0, x === 39 && y === 29 ? 0 : 255]);
    const hole = sharp(dots, { raw: { width: 40, height: 30, channels: 4 } });
    const found = await greys(hole.png().toBuffer(), 40, 30);
    t.same([...new Set(found.slice(0, -1))], [255], 'one pixel that is not opaque is enough');
    t.equal(found.at(-1), 0);
  },
);

t.test('a mask is upright and stretched, and its edges make no ripples', async (t) => {
  const half = Buffer.alloc(
    400 * 100,
    Buffer.from([...Array<number>(200).fill(255), ...Array<number>(200).fill(0)]),
  );
  const picture = sharp(half, { raw: { width: 400, height: 100, channels: 1 } });
  const png = await picture.toColourspace('b-w').png().toBuffer();
  for (const [width, height] of [
    [400, 100],
    [40, 90],
    [133, 16],
    [1000, 30],
  ] as const) {
    const found = await greys(png, width, height);
    const row = found.slice(0, width);
    t.same(found, Array.from({ length: height }, () => row).flat());
    const black = Math.ceil(width / 2) + 3;
    t.ok(
      row.slice(black).every((level) => level === 0),
      `${width}: black`,
    );
    t.ok(
      row.slice(0, width - black).every((level) => level === 255),
      `${width}: white`,
    );
    t.same(
      row,
      row.toSorted((a, b) => b - a),
      'falling',
    );
  }
  const turned = await sharp(png).withMetadata({ orientation: 6 }).png().toBuffer();
  const upright = await greys(turned, 10, 40);
  t.same([upright.slice(0, 150).every((one) => one === 255), upright.at(-1)], [true, 0]);
  const point = plain([200, 200, 200], 1, 1);
  t.same(new Set(await greys(point.png().toBuffer(), 300, 20)), new Set([200]), 'of one pixel');
});

t.test('too many pixels, and what is no picture', async (t) => {
  const size = { width: 32, height: 32 };
  const large = await plain([0, 0, 0], 1001, 1000).png().toBuffer();
  await t.rejects(openMask(large, size, limits), { code: 'too_many_pixels', field: 'mask' });
  await t.rejects(openMask(Buffer.from('?'), size, limits), { code: 'unsupported_media_type' });
  const cut = (await noise().jpeg().toBuffer()).subarray(0, 2000);
  const mask = await openMask(cut, size, limits);
  await t.rejects(mask.decode(), { code: 'undecodable_image', field: 'mask' });
});
