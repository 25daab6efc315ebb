import t from 'tap';

import { openStyle } from '../../src/imaging/decode.ts';
import { noise, plain } from './files.ts';

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

t.test('a style so narrow that scaling leaves no 16 pixels is refused', async (t) => {
  await t.rejects(decodeStyle(await noise(640, 80).png().toBuffer()), {
    code: 'image_too_small',
    field: 'style',
    message:
      'The picture is 640×80 pixels, scaled to 64×8 to be read as a style; each side needs at least 16. Send a less narrow one, cropped for example.',
  });
  await t.rejects(decodeStyle(await noise(10, 60).png().toBuffer()), {
    code: 'image_too_small',
    message:
      'The picture is 10×60 pixels; each side needs at least 16. Send a less narrow one, cropped for example.',
  });
});
