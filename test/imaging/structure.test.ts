import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';

import sharp from 'sharp';
import t from 'tap';

import { ServiceError } from '../../src/errors.ts';
import type { InputFormat } from '../../src/imaging/formats.ts';
import { readStructure } from '../../src/imaging/structure/index.ts';
import { assertFits } from '../../src/imaging/structure/limits.ts';
import { still } from '../../src/imaging/structure/types.ts';
import {
  avifGrid,
  avifOfFrames,
  box,
  fullBox,
  gifOfFrames,
  itemInfo,
  pngOfTexts,
  riffChunk,
  scanBomb,
  webpOfAlphaCodes,
  webpOfCodes,
  webpOfFrames,
} from './costly.ts';
import {
  animation,
  decodeContent,
  jpegClaiming,
  noise,
  plain,
  pngChunk,
  pngClaiming,
  uint16,
  uint32,
} from './files.ts';

const limits = { maxPixels: 50_000_000, field: 'content' };

async function refusal(bytes: Buffer): Promise<ServiceError> {
  const error: unknown = await decodeContent(bytes, limits).then(
    () => 'decoded',
    (reason: unknown) => reason,
  );
  if (error instanceof ServiceError) return error;
  throw new Error('not refused', { cause: error });
}

const complex = { code: 'too_complex_image', status: 422, field: 'content' };

t.test('a JPEG has 100 scans at most', async (t) => {
  const { image } = await decodeContent(scanBomb(64, 48, 100), limits);
  t.match(image, { width: 64, height: 48 });
  const error = await refusal(scanBomb(64, 48, 101));
  t.match(error, complex);
  t.equal(
    error.message,
    'The JPEG is drawn in more than the 100 scans that are taken. Save it anew, baseline or progressive as usual.',
  );
});

t.test('scans are counted as the decoder makes them', async (t) => {
  const scansOf = (bytes: Buffer) => readStructure(bytes, 'jpeg').scans;
  const baseline = await noise().jpeg().toBuffer();
  const progressive = await noise().jpeg({ progressive: true, mozjpeg: true }).toBuffer();
  t.equal(scansOf(baseline), 1);
  const scans = scansOf(progressive);
  t.ok(scans > 1 && scans < 20, `${scans} scans`);

  const insert = (jpeg: Buffer, at: number, bytes: Buffer) =>
    Buffer.concat([jpeg.subarray(0, at), bytes, jpeg.subarray(at)]);
  const thumbnail = progressive.subarray(0, 60_000);
  const length = Buffer.from([(thumbnail.length + 2) >> 8, (thumbnail.length + 2) & 255]);
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1]), length, thumbnail]);
  t.equal(scansOf(insert(progressive, 2, segment)), scans, 'not those of a thumbnail');
  t.equal(scansOf(Buffer.concat([progressive, progressive])), scans, 'nor of a second picture');
  t.equal(scansOf(insert(progressive, 2, Buffer.alloc(9, 0xff))), scans, 'fill bytes are skipped');
  t.equal(scansOf(insert(progressive, 2, Buffer.from('junk'))), scans, 'and junk');

  const restarts = Buffer.from([0xff, 0xda, 0, 2, 0xff, 0xd0, 9, 0xff, 0, 9, 0xff, 0xd7]);
  t.equal(scansOf(Buffer.concat([progressive.subarray(0, 2), restarts])), 1, 'restarts are none');
  for (let end = 0; end < 300; end++) scansOf(progressive.subarray(0, end));
});

t.test('an animation has 1,000 frames at most', async (t) => {
  for (const [name, make] of Object.entries({ WebP: webpOfFrames, GIF: gifOfFrames })) {
    t.ok((await decodeContent(await make(1000), limits)).image, name);
    const error = await refusal(await make(1001));
    t.match(error, complex, name);
    t.equal(
      error.message,
      'The animation has more than the 1000 frames that are taken. Send its first frame alone.',
    );
  }
});

t.test('frames are counted past metadata', (t) => {
  const twoFrames = { frames: 2 };
  return Promise.all([
    animation()
      .gif()
      .toBuffer()
      .then((gif) => t.match(readStructure(gif, 'gif'), twoFrames)),
    animation()
      .withExif({ IFD0: { Artist: 'odd' } })
      .webp()
      .toBuffer()
      .then((webp) => t.match(readStructure(webp, 'webp'), twoFrames)),
  ]);
});

t.test('metadata unpack to 8 MiB at most', async (t) => {
  t.ok((await decodeContent(await pngOfTexts(1), limits)).image);
  t.match(await refusal(await pngOfTexts(2)), complex);
  const error = await refusal(await pngOfTexts(1000, true));
  t.match(error, complex);
  t.equal(
    error.message,
    'The file has profiles, EXIF and text of more than the 8388608 bytes, unpacked, that are taken. Save it without them.',
  );

  const webp = await noise().webp().toBuffer();
  const unknown = Buffer.alloc(8 * 3_000_000, riffChunk('abcd', Buffer.alloc(0)));
  t.match(await refusal(riffChunk('RIFF', Buffer.concat([webp.subarray(8), unknown]))), complex);
});

t.test('what a PNG has compressed is counted as it unpacks', async (t) => {
  const plainPng = await plain([9, 99, 199]).png().toBuffer();
  const metadataOf = (name: string, ...chunks: (Buffer | string)[]) =>
    readStructure(
      Buffer.concat([
        plainPng.subarray(0, 33),
        ...chunks.map((data) => pngChunk(name, Buffer.from(data as string, 'latin1'))),
        plainPng.subarray(33),
      ]),
      'png',
    ).metadataBytes;
  const without = metadataOf('zTXt');
  const packed = deflateSync(randomBytes(9000)).toString('latin1');
  const close = (found: number, bytes: number) => found >= bytes && found < bytes + 200;
  for (const [name, head] of [
    ['zTXt', 'Raw profile type exif\0\0'],
    ['iTXt', 'XML:com.adobe.xmp\0\x01\0en\0titre\0'],
    ['iCCP', 'wide\0\0'],
  ] as const) {
    const length = metadataOf(name, head + packed) - without;
    t.ok(close(length, 9000), `${name}: ${length}`);
  }
  const large = deflateSync(Buffer.alloc(5_000_000)).toString('latin1');
  t.ok(close(metadataOf('iCCP', `wide\0\0${large}`) - without, 5_000_000), 'a profile');
  const many = Array.from({ length: 120 }, () => `k\0\0${packed.slice(0, 20)}`);
  t.ok(metadataOf('zTXt', ...many) > 20 * 20 * 1000, 'of the hundredth on as the most it may');
  t.ok(metadataOf('zTXt', `k\0\0${'junk'.repeat(2000)}`) > 8_000_000, 'so with what is damaged');
  t.ok(metadataOf('iTXt', `k\0\0\0\0\0${packed}`) - without < 9300, 'plain text as it is');
  t.ok(metadataOf('iTXt', 'k\0\x01', 'k', 'k\0\x01\0en') < 400, 'what is no text');
  t.equal(metadataOf('fdAT', packed), 0, 'and nothing that decoders pass over');
});

t.test('an AVIF decodes no more than its picture', async (t) => {
  const { image } = await decodeContent(
    await avifGrid({ columns: 3, rows: 2, tile: 64, side: 160 }).then(asWide),
    limits,
  );
  t.match(image, { width: 160, height: 128 });
  const tiles = await refusal(await avifGrid({ columns: 16, rows: 16, tile: 4096, side: 64 }));
  t.match(tiles, complex);
  t.equal(
    tiles.message,
    'The tiles and layers of the picture of 64×64 pixels have 4294967296 together; at most 4016384 are taken. Save it anew as one picture.',
  );
  t.ok((await decodeContent(await avifOfFrames(2), limits)).image);
  t.match(await refusal(await avifOfFrames(20)), complex);
});

t.test('a picture has room for opacity, depth and a gain map', (t) => {
  const field = 'content';
  const codedPixels = 4 * 12_000_000;
  assertFits({ ...still, codedPixels }, { width: 4000, height: 3000 }, field);
  const tooMany = { ...still, codedPixels: 5 * 12_000_000 };
  t.throws(() => {
    assertFits(tooMany, { width: 4000, height: 3000 }, field);
  }, complex);
  t.end();
});

t.test('an AVIF with more of anything than sound files have is unbounded', async (t) => {
  const coded = (bytes: Buffer) => readStructure(bytes, 'avif').codedPixels;
  const single = await sharp(await noise().png().toBuffer())
    .avif()
    .toBuffer();
  t.equal(coded(single), 96 * 64);

  const fileType = box('ftyp', Buffer.from('avif\0\0\0\0avif'));
  const avif = (...inside: Buffer[]) =>
    Buffer.concat([fileType, fullBox('meta', 0, ...inside), box('mdat', Buffer.alloc(100))]);
  const ofOne = (...boxes: Buffer[]) =>
    avif(fullBox('iinf', 0, uint16(1), itemInfo(1, 'av01')), ...boxes);
  const filled = (length: number, unit: number[]) => Buffer.alloc(length, Buffer.from(unit));

  // Locations of no bytes: each of the items has 65,535 extents at no cost.
  const free = (items: number, extents: number) =>
    fullBox(
      ...(['iloc', 1, uint16(0), uint16(items)] as const),
      filled(8 * items, [0, 1, 0, 0, 0, 0, extents >> 8, extents & 255]),
      Buffer.alloc(8),
    );
  t.equal(coded(ofOne(free(1, 1))), Infinity, 'without a size');
  t.equal(coded(ofOne(free(3000, 65_535))), Infinity, 'extents of a listed item');
  t.equal(coded(avif(free(1, 20_000))), 0, 'of one that is not, few');
  t.equal(coded(avif(free(1, 20_001))), Infinity, 'and many');
  t.equal(coded(avif(free(2, 20_000))), Infinity, 'and many of several');

  const properties = (length: number) =>
    box('iprp', box('ipco'), fullBox('ipma', 1, uint32(0xffffffff), Buffer.alloc(length, 1)));
  t.equal(coded(avif(properties(2 ** 19))), 0, 'sizes of items that are not listed');
  t.equal(coded(avif(properties(2 ** 20))), Infinity, 'a large box of properties');
  const many = (count: number, type: string) => filled(8 * count, [...box(type)]);
  t.equal(coded(avif(box('iprp', box('ipco', many(20_001, 'ispe'))))), Infinity, 'properties');
  t.equal(coded(avif(box('iprp', many(20_001, 'ipma')))), Infinity, 'boxes of them');
  t.equal(coded(avif(many(20_001, 'free'))), Infinity, 'boxes inside');
  t.equal(coded(Buffer.concat([avif(), many(20_001, 'free')])), Infinity, 'and outside');
  t.equal(coded(avif(fullBox('iinf', 0, uint16(0), many(20_001, 'infe')))), Infinity, 'items');
  const itself = Buffer.concat([uint16(1), uint16(60_000), filled(120_000, [0, 1])]);
  t.equal(coded(ofOne(fullBox('iref', 0, box('dimg', itself)))), Infinity, 'made of itself');
  t.equal(coded(avif(fullBox('iref', 0, box('dimg', itself)))), 0, 'references of no item');

  const at = single.indexOf('mdat') + 4;
  const emptied = Buffer.from(single);
  emptied.fill(Buffer.from([0x12, 0]), at);
  t.equal(coded(emptied), 96 * 64);
  const padded = Buffer.concat([single, filled(2 * 20_001, [0x12, 0])]);
  const length = single.length - at;
  padded.writeUInt32BE(padded.length - at, single.indexOf(uint32(length)));
  t.equal(coded(padded), Infinity, 'units');
});

t.test('sets of codes of a lossless WebP are counted', async (t) => {
  const tables = (bytes: Buffer, frames = 1) => readStructure(bytes, 'webp').tableBytes(frames);
  const perSet = tables(webpOfCodes(64)) / 256;
  t.ok(perSet > 10_000 && perSet < 20_000, `${perSet} bytes a set`);
  t.equal(tables(webpOfCodes(1024)), 65_536 * perSet);
  t.equal(tables(webpOfCodes(1024, 2)), 65_536 * perSet, 'behind transforms');
  t.equal(tables(await webpOfAlphaCodes(64)), 256 * perSet, 'of opacity');
  const { image } = await decodeContent(webpOfCodes(64), limits);
  t.match(image, { width: 64, height: 64 }, 'a decoder takes it');
  for (const effort of [0, 2, 4, 6]) {
    for (const picture of [noise(300, 200), noise(300, 200, 4), plain([9, 99, 199])]) {
      const webp = await picture.webp({ lossless: true, effort }).toBuffer();
      t.ok(tables(webp) < 100 * perSet, `libwebp's own, effort ${effort}`);
    }
  }
  t.equal(tables(webpOfCodes(64).subarray(0, 120)), 0, 'of a damaged one nothing');

  const error = await refusal(webpOfCodes(4096));
  t.match(error, complex);
  t.match(error.message, /^The lossless WebP is cut into more blocks than can be counted\. /);
  const tiny = riffChunk('VP8L', Buffer.from([0x2f, 255, 255, 255, 15, 0xff]));
  const many = Buffer.concat(Array.from({ length: 20_000 }, () => tiny));
  const frames = [Buffer.alloc(16), Buffer.concat([Buffer.alloc(16), many])];
  const chunks = frames.map((data) => riffChunk('ANMF', data));
  const file = riffChunk('RIFF', Buffer.concat([Buffer.from('WEBP'), ...chunks]));
  t.same(
    [1, 2].map((count) => tables(file, count)),
    [0, Infinity],
    'of no more frames than asked for',
  );
});

t.test('a walk ends where a limit is passed', async (t) => {
  const most = async (make: (count: number) => Buffer | Promise<Buffer>, format: InputFormat) =>
    readStructure(await make(3000), format);
  t.match(await most((count) => scanBomb(64, 48, count), 'jpeg'), { scans: 101 });
  t.match(await most(gifOfFrames, 'gif'), { frames: 1001 });
  t.match(await most(webpOfFrames, 'webp'), { frames: 1001 });
  t.ok((await most(pngOfTexts, 'png')).metadataBytes < 17_000_000);
  const segments = Buffer.alloc(20_000_000, Buffer.from([0xff, 0xe1, 0, 18, ...Buffer.alloc(16)]));
  const { metadataBytes } = readStructure(
    Buffer.concat([Buffer.from([0xff, 0xd8]), segments]),
    'jpeg',
  );
  t.equal(metadataBytes, 18 * Math.ceil((2 ** 23 + 1) / 18));
});

t.test('a size that the data cannot fill is refused before it is decoded', async (t) => {
  const jpeg = await noise(48, 40).jpeg().toBuffer();
  for (const bytes of [jpegClaiming(jpeg, 7000, 7000), pngClaiming(7000, 7000)]) {
    const error = await refusal(bytes);
    t.match(error, { code: 'undecodable_image', cause: undefined });
    t.equal(
      error.message,
      'The file claims 7000×7000 pixels and is too short for them: it is damaged or cut short. Send it again whole.',
    );
  }
});

t.test('large pictures of one colour are taken, however small their files', async (t) => {
  const picture = () => plain([255, 255, 255], 10_000, 5000);
  const half = () => plain([255, 255, 255], 5000, 2500, 0.5);
  for (const [name, file] of Object.entries({
    jpeg: picture().jpeg({ quality: 1, optimiseCoding: true }),
    'progressive jpeg': picture().jpeg({ quality: 1, progressive: true, mozjpeg: true }),
    'grey jpeg': picture().toColourspace('b-w').jpeg({ quality: 1, mozjpeg: true }),
    png: picture().png({ compressionLevel: 9 }),
    'png of 1 bit': picture().png({ compressionLevel: 9, colours: 2, palette: true }),
    'interlaced png': picture().png({ compressionLevel: 9, progressive: true }),
    webp: picture().webp({ lossless: true, effort: 0 }),
    'avif with alpha': half().avif({ effort: 0 }),
    gif: half().gif({ effort: 1 }),
  })) {
    const bytes = await file.toBuffer();
    t.ok((await decodeContent(bytes, { ...limits, size: 1000 })).image, `${name}: ${bytes.length}`);
  }
});

/** The same tiles as a picture less high than wide. */
function asWide(grid: Buffer): Buffer {
  const wide = Buffer.from(grid);
  const size = Buffer.from([0, 0, 0, 160, 0, 0, 0, 160]);
  for (let at = wide.indexOf(size); at >= 0; at = wide.indexOf(size)) wide[at + 7] = 128;
  return wide;
}

t.test('what is cut short anywhere is walked to its end', async (t) => {
  const files = {
    png: await noise().png().toBuffer(),
    webp: await animation().webp().toBuffer(),
    gif: await animation().gif().toBuffer(),
    avif: await sharp(await noise().png().toBuffer())
      .avif()
      .toBuffer(),
  };
  for (const [format, bytes] of Object.entries(files)) {
    for (let end = 0; end < Math.min(bytes.length, 1000); end++) {
      readStructure(bytes.subarray(0, end), format as keyof typeof files);
    }
    t.pass(format);
  }
});
