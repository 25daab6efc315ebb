import sharp from 'sharp';
import t from 'tap';

import { thumbnail } from '../../src/imaging/thumbnail.ts';
import { noise } from './files.ts';

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
