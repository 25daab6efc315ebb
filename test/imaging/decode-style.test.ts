import t from 'tap';

import { openStyle } from '../../src/imaging/decode.ts';
import { noise, pixels, plain, png } from './files.ts';

const limits = { maxPixels: 1_000_000, styleSize: 64, field: 'style' };

async function decodeStyle(bytes: Buffer) {
  const picture = await openStyle(bytes, limits);
  return picture.decode();
}

t.test('a style is scaled down to the style size, longest side first', async (t) => {
  for (const format of ['jpeg', 'png', 'webp', 'avif', 'gif'] as const) {
    const bytes = await noise(256, 128).toFormat(format).toBuffer();
    t.match(await decodeStyle(bytes), { width: 64, height: 32 }, format);
  }
  const high = await noise(96, 192).png().toBuffer();
  t.match(await decodeStyle(high), { width: 32, height: 64 });
});

t.test('a style is never scaled up', async (t) => {
  t.match(await decodeStyle(await noise(40, 20).png().toBuffer()), {
    width: 40,
    height: 20,
  });
});

t.test('a style stands upright', async (t) => {
  const bytes = await noise(256, 128).withMetadata({ orientation: 8 }).jpeg().toBuffer();
  t.match(await decodeStyle(bytes), { width: 32, height: 64 });
});

t.test('a style loses its opacity', async (t) => {
  const image = await decodeStyle(await plain([200, 80, 40], 32, 32, 0.5).png().toBuffer());
  t.equal(image.data.length, 3 * 32 * 32);
});

t.test('of a style so narrow that scaling leaves no 16 pixels the middle is taken', async (t) => {
  t.match(await decodeStyle(await noise(640, 80).png().toBuffer()), { width: 64, height: 16 });
  t.match(await decodeStyle(await noise(80, 640).jpeg().toBuffer()), { width: 16, height: 64 });
  t.match(await decodeStyle(await noise(6000, 16).png().toBuffer()), { width: 64, height: 16 });

  const thirds = pixels(640, 80, (x) =>
    x < 213 ? [255, 0, 0] : x < 427 ? [0, 255, 0] : [0, 0, 255],
  );
  const { data } = await decodeStyle(await png(thirds, 640, 3));
  // Scaled evenly: 64 of 128 columns, of which 43 are green.
  const colors = Array.from({ length: 64 }, (_, x) => data.subarray(3 * x, 3 * x + 3).indexOf(255));
  t.strictSame([colors[3], colors[32], colors[60]], [0, 1, 2]);
  const green = colors.filter((channel) => channel === 1).length;
  t.ok(Math.abs(green - 43) <= 4, `${green} columns`);
});

t.test('a style of 4000×120 is described in the usual size', async (t) => {
  const picture = await openStyle(await noise(4000, 120).png().toBuffer(), {
    ...limits,
    styleSize: 512,
  });
  t.match(picture, { width: 512, height: 16 });
});

t.test('a style that is too small as it is sent is refused', async (t) => {
  await t.rejects(decodeStyle(await noise(10, 60).png().toBuffer()), {
    code: 'image_too_small',
    message: 'The picture is 10×60 pixels; each side needs at least 16. Send a larger one.',
  });
});
