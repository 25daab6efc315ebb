/** One rule for all formats: every pixel must be there, and nothing that comes after them. */
import sharp, { type Sharp } from 'sharp';
import t from 'tap';

import { openStyle } from '../../src/imaging/decode.ts';
import { measurePicture } from '../../src/imaging/measure.ts';
import { thumbnail } from '../../src/imaging/thumbnail.ts';
import type { RgbImage } from '../../src/rgb-image.ts';
import { avifOf, avifParts } from './avif.ts';
import { riffChunk } from './costly.ts';
import { decodeContent, jpegSegment, noise, noisePixels, pngChunk } from './files.ts';

const limits = { maxPixels: 1_000_000, field: 'content' };
const missing = { code: 'undecodable_image', status: 422, field: 'content' };
const endOfImage = Buffer.from([0xff, 0xd9]);

const exif = (picture: Sharp) =>
  picture.withExif({ IFD0: { Artist: 'somebody with a long name' } });
const twoFrames = () =>
  sharp(noisePixels(2 * 3 * 96 * 64), {
    raw: { width: 96, height: 128, channels: 3, pageHeight: 64 },
  });

/** Files that are whole, and what of them may be missing: so many of their last bytes. */
const files: Record<string, readonly [make: () => Promise<Buffer>, ...behind: number[]]> = {
  'a JPEG without its EOI': [() => noise().jpeg().toBuffer(), 1, 2],
  'a progressive JPEG without its EOI': [
    () => noise().jpeg({ progressive: true }).toBuffer(),
    1,
    2,
  ],
  'a PNG without its IEND, or the checksum of its data': [
    () => noise().png().toBuffer(),
    1,
    11,
    12,
    13,
    16,
  ],
  'an interlaced PNG': [() => noise().png({ progressive: true }).toBuffer(), 4, 12, 16],
  'a PNG with text behind': [() => noise().png().toBuffer().then(withText), 13, 15, 20, 31],
  'a GIF without its trailer, or the end of its picture': [() => noise().gif().toBuffer(), 1, 2],
  'a WebP in its EXIF': [() => exif(noise()).webp().toBuffer(), 1, 9, 100],
  'a lossless WebP in its EXIF': [
    () => exif(noise()).webp({ lossless: true }).toBuffer(),
    1,
    9,
    100,
  ],
  'an AVIF in its EXIF': [() => noise().avif().toBuffer().then(withExif), 1, 9, 10],
  'an animated WebP in its second frame': [
    () => twoFrames().webp({ lossless: true }).toBuffer(),
    1,
    100,
    5000,
  ],
  'an animated GIF in its second frame': [() => twoFrames().gif().toBuffer(), 1, 100, 3000],
};

const same = (one: RgbImage, other: RgbImage) => Buffer.from(one.data).equals(other.data);

/** Of a JPEG. */
const behindFirstSegment = (bytes: Buffer) => 4 + bytes.readUInt16BE(4);

function withText(png: Buffer): Buffer {
  const text = pngChunk('tEXt', Buffer.from('Title\0xyz'));
  return Buffer.concat([png.subarray(0, -12), text, png.subarray(-12)]);
}

function withExif(avif: Buffer): Buffer {
  const exif = Buffer.from('\0\0\0\0Exif\0\0');
  return avifOf(avifParts(avif), { width: 96, height: 64, exif });
}

t.test('what comes behind the pixels may be missing', async (t) => {
  for (const [name, [make, ...behind]] of Object.entries(files)) {
    const bytes = await make();
    const whole = await decodeContent(bytes, limits);
    for (const length of behind) {
      const cut = bytes.subarray(0, -length);
      const { image } = await decodeContent(cut, limits);
      t.ok(same(image, whole.image), `${name}, less ${length} bytes`);
    }
  }
});

t.test('pixels may not', async (t) => {
  for (const [name, [make, ...behind]] of Object.entries(files)) {
    if (/animated/.test(name)) continue;
    const bytes = await make();
    const pixelsEnd = bytes.length - Math.max(...behind);
    for (const part of [0.5, 0.9]) {
      await t.rejects(
        decodeContent(bytes.subarray(0, Math.floor(part * pixelsEnd)), limits),
        missing,
        `${name}, ${part} of its pixels`,
      );
    }
  }
  for (const progressive of [false, true]) {
    const bytes = await noise().jpeg({ progressive }).toBuffer();
    for (const part of [0.5, 0.9]) {
      const cut = Buffer.concat([bytes.subarray(0, Math.floor(part * bytes.length)), endOfImage]);
      await t.rejects(decodeContent(cut, limits), missing, `a JPEG with EOI, ${part} of it`);
      const at = behindFirstSegment(cut);
      const stray = Buffer.concat([cut.subarray(0, at), Buffer.from('stray'), cut.subarray(at)]);
      await t.rejects(decodeContent(stray, limits), missing, 'and stray bytes before');
    }
  }
});

t.test('the rule is the same for styles, presets and their thumbnails', async (t) => {
  const jpeg = await noise().jpeg().toBuffer();
  const [whole, half] = [jpeg.subarray(0, -2), jpeg.subarray(0, jpeg.length / 2)];
  const style = async (bytes: Buffer) =>
    (await openStyle(bytes, { ...limits, styleSize: 64 })).decode();
  t.match(await style(whole), { width: 64 });
  await t.rejects(style(half), missing);
  t.match(await measurePicture(whole, 'content'), { width: 96, height: 64 });
  t.match(await sharp(await thumbnail(whole)).metadata(), { width: 96, height: 64 });
  await t.rejects(thumbnail(half), { code: 'undecodable_image' });
});

t.test('a JPEG that browsers show with a warning is taken', async (t) => {
  const jpeg = await noise().jpeg().toBuffer();
  const { image } = await decodeContent(jpeg, limits);
  const at = behindFirstSegment(jpeg);
  const insert = (...bytes: Buffer[]) =>
    Buffer.concat([jpeg.subarray(0, at), ...bytes, jpeg.subarray(at)]);
  const adobe = jpegSegment(0xee, Buffer.from('Adobe\0\x64\0\0\0\0\x09', 'latin1'));
  for (const [name, bytes] of Object.entries({
    'stray bytes between its segments': insert(Buffer.alloc(7)),
    'fill bytes': insert(Buffer.alloc(9, 0xff)),
    'more stray bytes than are cut out': insert(
      ...Array.from({ length: 120 }, () => Buffer.from('x\xff\xfe\0\x02', 'latin1')),
      Buffer.from('x'),
    ),
    'a transform that nobody knows': insert(adobe),
    'stray bytes behind its scan': Buffer.concat([
      jpeg.subarray(0, -2),
      Buffer.alloc(9),
      endOfImage,
    ]),
  })) {
    t.ok(same((await decodeContent(bytes, limits)).image, image), name);
  }
});

t.test('a padding byte at the end of a WebP may be missing', async (t) => {
  const webp = await noise().webp({ lossless: true }).toBuffer();
  const { image } = await decodeContent(webp, limits);
  const length = webp.readUInt32LE(16);
  const odd = riffChunk(
    'VP8L',
    Buffer.concat([webp.subarray(20, 20 + length), Buffer.alloc(1 - (length & 1))]),
  );
  const file = riffChunk('RIFF', Buffer.concat([Buffer.from('WEBP'), odd]));
  t.ok(same((await decodeContent(file.subarray(0, -1), limits)).image, image));
});
