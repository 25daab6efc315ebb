import sharp from 'sharp';
import t from 'tap';

import { thumbnail } from '../../src/imaging/thumbnail.ts';
import { iccChunk, noise, pixels, plain, png, withPngChunk } from './files.ts';

t.test('a thumbnail is a WebP with its longest side at 256 pixels', async (t) => {
  const small = await thumbnail(await noise(800, 400).jpeg().toBuffer());
  t.match(await sharp(small).metadata(), { format: 'webp', width: 256, height: 128 });
});

t.test('a small picture is not scaled up', async (t) => {
  const small = await thumbnail(await noise(80, 40).png().toBuffer());
  t.match(await sharp(small).metadata(), { width: 80, height: 40 });
});

t.test('it stands upright and carries no metadata', async (t) => {
  const lying = await noise(600, 300)
    .withExif({ IFD3: { GPSLatitudeRef: 'N' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const { width, height, exif, icc, orientation } = await sharp(await thumbnail(lying)).metadata();
  t.strictSame([width, height], [128, 256]);
  t.strictSame([exif, icc, orientation], [undefined, undefined, undefined]);
});

t.test('a picture of 16 bits with a wide profile looks like its twin of 8', async (t) => {
  const { icc } = await sharp(
    await plain([0, 0, 0]).withIccProfile('p3').png().toBuffer(),
  ).metadata();
  const red = pixels(64, 64, () => [230, 55, 37]);
  const chunk = iccChunk(icc ?? Buffer.alloc(0));
  const eight = withPngChunk(await png(red, 64, 3), 'iCCP', chunk);
  const sixteen = withPngChunk(await png(red, 64, 3, 16), 'iCCP', chunk);
  t.match(await sharp(sixteen).metadata(), { depth: 'ushort', hasProfile: true });
  const [one, other] = await Promise.all(
    [eight, sixteen].map(async (bytes) =>
      sharp(await thumbnail(bytes))
        .raw()
        .toBuffer(),
    ),
  );
  const off = [0, 1, 2].map((channel) =>
    Math.abs((one?.[channel] ?? 0) - (other?.[channel] ?? 255)),
  );
  t.ok(Math.max(...off) <= 3, `${one?.subarray(0, 3).join()} and ${other?.subarray(0, 3).join()}`);
});

t.test('opacity stays', async (t) => {
  const small = await thumbnail(await plain([200, 80, 40], 300, 300, 0.5).png().toBuffer());
  const { data, info } = await sharp(small).raw().toBuffer({ resolveWithObject: true });
  t.equal(info.channels, 4);
  t.equal(data[3], 128);
});
