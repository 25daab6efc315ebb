import sharp from 'sharp';
import t from 'tap';

import { readStructure } from '../../src/imaging/structure/index.ts';
import { avifOf, avifParts, nclx } from './avif.ts';
import { apng, decodeContent, noise, plain, pngChunk, type Rgb, withPngChunks } from './files.ts';

const limits = { maxPixels: 1_000_000, field: 'content' };
const green: Rgb = [0, 200, 0];
const red: Rgb = [200, 0, 0];
const still = (color: Rgb) => plain(color, 48, 32).png({ palette: false }).toBuffer();

async function colorOf(bytes: Buffer) {
  const { image, format } = await decodeContent(bytes, limits);
  t.match(image, { width: 48, height: 32 });
  return { format, color: [...image.data.subarray(0, 3)] };
}

t.test('of an APNG the first frame, whatever those see who know no animations', async (t) => {
  const [picture, frame] = [await still(red), await still(green)];
  t.strictSame((await colorOf(apng(picture, frame, [48, 32, 0, 0]))).color, green);
  const whole = [48, 32, 0, 0];
  const linear = withPngChunks(picture, { gAMA: Buffer.from([0, 1, 0x86, 0xa0]) });
  t.strictSame((await colorOf(apng(linear, frame, whole))).color, [0, 229, 0], 'in its colours');
  for (const size of [[48, 31, 0, 0], [48, 32, 0, 1], [47, 32, 1, 0], []]) {
    t.strictSame((await colorOf(apng(picture, frame, size))).color, red, 'a part is no picture');
  }
  const animated = apng(picture, frame, whole);
  const first = animated.indexOf('fdAT') - 4;
  const many = Array.from({ length: 20_000 }, () => pngChunk('fdAT', Buffer.alloc(4)));
  const parts = Buffer.concat([animated.subarray(0, first), ...many, animated.subarray(first)]);
  t.strictSame((await colorOf(parts)).color, red, 'nor is one in so many parts taken');
  const stillAll = Buffer.from(animated);
  stillAll.write('adTL', stillAll.indexOf('acTL'), 'latin1');
  t.strictSame((await colorOf(stillAll)).color, red, 'nor is it an animation without acTL');
});

t.test('an APNG whose first frame lacks pixels is refused', async (t) => {
  const [picture, frame] = [
    await noise(48, 32).png().toBuffer(),
    await noise(48, 32).negate().png().toBuffer(),
  ];
  const animated = apng(picture, frame, [48, 32, 0, 0]);
  const second = animated.lastIndexOf('fcTL');
  const { image } = await decodeContent(animated, limits);
  t.strictSame((await decodeContent(animated.subarray(0, second), limits)).image, image);
  await t.rejects(decodeContent(animated.subarray(0, second - 100), limits), {
    code: 'undecodable_image',
  });
});

t.test('of a sequence in AVIF the first frame, beside a still picture or without', async (t) => {
  const picture = avifParts(await plain([200, 80, 40], 48, 32).avif({ lossless: true }).toBuffer());
  for (const isBare of [false, true]) {
    const bytes = avifOf(picture, { width: 48, height: 32, frames: 3, isBare });
    t.strictSame(await colorOf(bytes), { format: 'avif', color: [200, 80, 40] });
  }
});

t.test('a sequence that is cut short, or of something else', async (t) => {
  const avif = await plain([200, 80, 40], 48, 32).avif().toBuffer();
  const bytes = avifOf(avifParts(avif), { width: 48, height: 32, frames: 3, isBare: true });
  const renamed = (from: string, to: string) => {
    const copy = Buffer.from(bytes);
    copy.write(to, copy.indexOf(from), 'latin1');
    return copy;
  };
  for (const [name, broken] of Object.entries({
    'cut in its data': bytes.subarray(0, -3),
    'cut in its tables': bytes.subarray(0, 300),
    'without tracks': renamed('trak', 'free'),
    'without sizes': renamed('stsz', 'free'),
    'without places': renamed('stco', 'free'),
    'without descriptions': renamed('stsd', 'free'),
    'of another codec': renamed('av01', 'hvc1'),
    'of sound': renamed('pict', 'soun'),
    'of no kind': renamed('hdlr', 'free'),
  })) {
    await t.rejects(decodeContent(broken, limits), { code: 'undecodable_image' }, name);
  }
  const far = renamed('stco', 'co64');
  await t.rejects(decodeContent(far, limits), { code: 'undecodable_image' });
});

t.test(
  'a sequence with more properties or brands than there are is no fault of ours',
  async (t) => {
    const size = { width: 48, height: 32, frames: 2 };
    const parts = avifParts(await plain([200, 80, 40], 48, 32).avif({ lossless: true }).toBuffer());
    const properties = Array.from({ length: 200 }, () => nclx(1, 13));
    const many = avifOf(parts, { ...size, properties, isBare: true });
    t.equal((await colorOf(many)).format, 'avif');

    const bytes = avifOf(parts, size);
    const brands = Buffer.from('avis'.repeat(5000));
    const type = Buffer.concat([bytes.subarray(0, bytes.readUInt32BE(0)), brands]);
    type.writeUInt32BE(type.length);
    const long = Buffer.concat([type, bytes.subarray(bytes.readUInt32BE(0))]);
    const mended = readStructure(long, 'avif').mended?.();
    t.equal(mended?.toString('latin1', 16, 20), 'avif');
    t.equal(
      mended?.toString('latin1', type.length - 4, type.length),
      'avis',
      'not all are looked at',
    );
  },
);

t.test('an AVIF may be cut short in its metadata by 8 MiB at most', async (t) => {
  const parts = avifParts(await plain([200, 80, 40], 48, 32).avif({ lossless: true }).toBuffer());
  const withExif = (length: number) =>
    avifOf(parts, { width: 48, height: 32, exif: Buffer.alloc(length) });
  const cut = withExif(8_000_000).subarray(0, -7_900_000);
  t.strictSame((await colorOf(cut)).color, [200, 80, 40]);
  await t.rejects(decodeContent(withExif(9_000_000).subarray(0, -8_900_000), limits), {
    code: 'too_complex_image',
  });
});

t.test('a picture of an animation is as large as its canvas', async (t) => {
  const frames = sharp(Buffer.alloc(2 * 3 * 48 * 32, 9), {
    raw: { width: 48, height: 64, channels: 3, pageHeight: 32 },
  });
  for (const format of ['gif', 'webp'] as const) {
    const { image } = await decodeContent(await frames.clone().toFormat(format).toBuffer(), limits);
    t.match(image, { width: 48, height: 32 });
  }
});
