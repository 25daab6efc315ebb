import sharp, { type Sharp } from 'sharp';
import t from 'tap';

import { assertEncodable, encodePicture } from '../../src/imaging/encode.ts';
import { type PictureFormat, pictureFormats } from '../../src/imaging/formats.ts';
import type { RgbImage } from '../../src/rgb-image.ts';
import { decodeContent, noise, plain, type Rgb } from './files.ts';

const orange: Rgb = [200, 80, 40];

async function imageOf(picture: Sharp): Promise<RgbImage> {
  const bytes = await picture.png().toBuffer();
  return (await decodeContent(bytes, { maxPixels: 1e6, field: 'content' })).image;
}

t.test('every format holds the picture', async (t) => {
  const image = await imageOf(plain(orange, 40, 24));
  for (const format of pictureFormats) {
    const bytes = await encodePicture(image, undefined, format, 85);
    const { format: written, width, height, hasAlpha, compression } = await sharp(bytes).metadata();
    t.equal(
      format === 'avif' ? `${written}, ${compression ?? ''}` : written,
      format === 'avif' ? 'heif, av1' : format,
    );
    t.strictSame([width, height, hasAlpha], [40, 24, false]);
    const color = await sharp(bytes).raw().toBuffer();
    t.ok(
      [...orange].every((value, at) => Math.abs(value - color.readUInt8(at)) <= 5),
      format,
    );
  }
});

t.test('PNG is lossless, whatever the quality', async (t) => {
  const image = await imageOf(noise(61, 35));
  const bytes = await encodePicture(image, undefined, 'png', 1);
  t.ok((await sharp(bytes).raw().toBuffer()).equals(image.data));
});

t.test('PNG, WebP and AVIF keep the opacity', async (t) => {
  const image = await imageOf(plain(orange, 32, 32));
  const alpha = Uint8Array.from({ length: 32 * 32 }, (_, at) => (at % 32 < 16 ? 255 : 100));
  for (const format of ['png', 'webp', 'avif'] as const) {
    const bytes = await encodePicture(image, alpha, format, 90);
    const found = await sharp(bytes).extractChannel('alpha').raw().toBuffer();
    t.ok(
      found.every((value, at) => Math.abs(value - (alpha[at] ?? 0)) <= 3),
      format,
    );
  }
});

t.test('opacity may lie anywhere in its memory', async (t) => {
  const image = await imageOf(plain(orange, 32, 32));
  const alpha = new Uint8Array(5 + 32 * 32).fill(9).subarray(5).fill(100);
  const bytes = await encodePicture(image, alpha, 'png', 90);
  t.ok((await sharp(bytes).extractChannel('alpha').raw().toBuffer()).every((v) => v === 100));
});

t.test('JPEG lays a transparent picture on white', async (t) => {
  const image = await imageOf(plain(orange, 32, 32));
  const alpha = Uint8Array.from({ length: 32 * 32 }, (_, at) => (at % 32 < 16 ? 255 : 0));
  const pixels = await sharp(await encodePicture(image, alpha, 'jpeg', 95))
    .raw()
    .toBuffer();
  const left = [...pixels.subarray(0, 3)];
  const right = [...pixels.subarray(31 * 3, 32 * 3)];
  t.ok(
    left.every((value, at) => Math.abs(value - (orange[at] ?? 0)) <= 4),
    left.join(),
  );
  t.ok(
    right.every((value) => value >= 252),
    right.join(),
  );
});

t.test('more quality, more bytes', async (t) => {
  const image = await imageOf(noise(128, 128));
  for (const format of ['jpeg', 'webp', 'avif'] as const) {
    const sizes: number[] = [];
    for (const quality of [1, 40, 85, 100]) {
      sizes.push((await encodePicture(image, undefined, format, quality)).length);
    }
    t.strictSame(
      sizes,
      sizes.toSorted((a, b) => a - b),
      `${format}: ${sizes.join()}`,
    );
  }
});

t.test('JPEG keeps full chroma from quality 90 on', async (t) => {
  const image = await imageOf(noise());
  const chroma = async (quality: number) =>
    (await sharp(await encodePicture(image, undefined, 'jpeg', quality)).metadata())
      .chromaSubsampling;
  t.equal(await chroma(89), '4:2:0');
  t.equal(await chroma(90), '4:4:4');
});

t.test('nothing but pixels leaves: no place, no camera, no profile', async (t) => {
  const photo = await noise()
    .withIccProfile('p3')
    .withExif({
      IFD0: { Make: 'Camera' },
      IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' },
    })
    .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><secret/></x:xmpmeta>')
    .jpeg()
    .toBuffer();
  t.match(await sharp(photo).metadata(), { exif: Buffer, xmp: Buffer, icc: Buffer });
  const { image } = await decodeContent(photo, { maxPixels: 1e6, field: 'content' });
  for (const format of pictureFormats) {
    const bytes = await encodePicture(image, undefined, format, 85);
    const { exif, xmp, icc, iptc, orientation } = await sharp(bytes).metadata();
    t.strictSame(
      { exif, xmp, icc, iptc, orientation },
      {
        exif: undefined,
        xmp: undefined,
        icc: undefined,
        iptc: undefined,
        orientation: undefined,
      },
      format,
    );
    t.notOk(/Camera|secret|GPS/.test(bytes.toString('latin1')), format);
  }
});

t.test('the pixels are left as they are', async (t) => {
  const image = await imageOf(noise());
  const before = image.data.slice();
  for (const format of pictureFormats) await encodePicture(image, undefined, format, 50);
  t.strictSame(image.data, before);
});

t.test('a picture too large for its format is refused before any work', async (t) => {
  const refusal = (width: number, height: number, format: PictureFormat) => {
    try {
      assertEncodable({ width, height }, format);
      return undefined;
    } catch (error) {
      t.match(error, { code: 'invalid_value', field: 'format' });
      return (error as Error).message;
    }
  };
  t.equal(refusal(16_383, 10, 'webp'), undefined);
  t.equal(
    refusal(20, 16_384, 'webp'),
    'A picture of 20×16384 pixels is too large for webp, which takes 16383 a side. Choose another format or a smaller size.',
  );
  t.equal(refusal(65_500, 20, 'jpeg'), undefined);
  t.ok(refusal(65_501, 20, 'jpeg'));
  t.equal(refusal(65_501, 20, 'png'), undefined);
  t.equal(refusal(5000, 5000, 'avif'), undefined);
  t.equal(
    refusal(5001, 5000, 'avif'),
    'A picture of 5001×5000 pixels is too large for avif, which takes 16384 a side and 25000000 in all. Choose another format or a smaller size.',
  );
  t.ok(refusal(16_385, 20, 'avif'));
});

t.test('the limits are those of the encoders', async (t) => {
  for (const [format, longest] of [
    ['jpeg', 65_500],
    ['webp', 16_383],
    ['avif', 16_384],
  ] as const) {
    const image = { width: longest, height: 16, data: new Uint8Array(3 * 16 * longest) };
    const bytes = await encodePicture(image, undefined, format, 10);
    t.equal((await sharp(bytes).metadata()).width, longest, format);
  }
});

t.test('an encoder refuses what is too long, too', async (t) => {
  const image = { width: 16_400, height: 16, data: new Uint8Array(3 * 16 * 16_400) };
  await t.rejects(encodePicture(image, undefined, 'webp', 85), { code: 'invalid_value' });
});
