import sharp from 'sharp';
import t from 'tap';

import { ServiceError } from '../../src/errors.ts';
import { readStructure } from '../../src/imaging/structure/index.ts';
import {
  avifGrid,
  avifOfFrames,
  gifOfFrames,
  pngOfTexts,
  riffChunk,
  scanBomb,
  webpOfFrames,
} from './costly.ts';
import { animation, decodeContent, jpegClaiming, noise, plain, pngClaiming } from './files.ts';

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
    'The JPEG is drawn in 101 scans; at most 100 are taken. Save it anew, baseline or progressive as usual.',
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
      'The animation has 1001 frames; at most 1000 are taken. Send its first frame alone.',
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

t.test('metadata unpack to 64 MiB at most', async (t) => {
  t.ok((await decodeContent(await pngOfTexts(8), limits)).image);
  t.match(await refusal(await pngOfTexts(9)), complex);
  const error = await refusal(await pngOfTexts(1000, true));
  t.match(error, complex);
  t.match(
    error.message,
    /^The file may unpack to 7\d{9} bytes of profiles, EXIF and text; at most/,
  );

  const webp = await noise().webp().toBuffer();
  const unknown = Buffer.concat(
    Array.from({ length: 3_000_000 }, () => riffChunk('abcd', Buffer.alloc(0))),
  );
  t.match(await refusal(riffChunk('RIFF', Buffer.concat([webp.subarray(8), unknown]))), complex);
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
    'The tiles and layers of the picture of 64×64 pixels have 4294967296 together; at most 4012288 are taken. Save it anew as one picture.',
  );
  t.ok((await decodeContent(await avifOfFrames(2), limits)).image);
  t.match(await refusal(await avifOfFrames(20)), complex);
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
