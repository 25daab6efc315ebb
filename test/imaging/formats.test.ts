import t from 'tap';

import {
  mediaTypeOf,
  mediaTypes,
  pictureFormats,
  resultFormat,
  sniffFormat,
} from '../../src/imaging/formats.ts';
import { noise } from './files.ts';

t.test('a format is told from the first bytes', async (t) => {
  for (const format of [...pictureFormats, 'gif'] as const) {
    const bytes = await noise().toFormat(format).toBuffer();
    t.equal(sniffFormat(bytes), format);
    t.equal(sniffFormat(bytes.subarray(0, 32)), format, 'of a file cut short, too');
  }
});

t.test('bytes that lie inside a larger buffer are read from their own start', async (t) => {
  const png = await noise().png().toBuffer();
  const body = Buffer.concat([Buffer.from('preamble'), png]);
  t.equal(sniffFormat(body.subarray(8)), 'png');
});

t.test('AVIF and HEIC share a container and differ in their brands', async (t) => {
  const box = (...brands: string[]) => {
    const [major = '', ...compatible] = brands;
    const text = `ftyp${major}\0\0\0\0${compatible.join('')}`;
    return Buffer.concat([Buffer.from([0, 0, 0, text.length + 4]), Buffer.from(text, 'latin1')]);
  };
  t.equal(sniffFormat(box('avif', 'mif1', 'miaf')), 'avif');
  t.equal(sniffFormat(box('avis', 'msf1')), 'avif');
  t.equal(sniffFormat(box('mif1', 'miaf', 'avif')), 'avif');
  t.equal(sniffFormat(box('heic', 'mif1', 'heic')), undefined);
  t.equal(sniffFormat(box('isom', 'mp41')), undefined);
  t.equal(sniffFormat(Buffer.concat([box('heic', 'mif1'), Buffer.from('avif')])), undefined);
});

t.test('all else has no format', async (t) => {
  for (const bytes of ['', '\x89', 'GIF88a', 'RIFF\0\0\0\0WAVE', 'II*\0', '<svg/>', '%PDF-1.7']) {
    t.equal(sniffFormat(Buffer.from(bytes, 'latin1')), undefined);
  }
});

t.test('media types by extension', async (t) => {
  t.equal(mediaTypeOf('jpg'), 'image/jpeg');
  t.equal(mediaTypeOf('JPEG'), 'image/jpeg');
  t.equal(mediaTypeOf('avif'), 'image/avif');
  t.equal(mediaTypeOf('gif'), 'image/gif');
  for (const other of ['', 'txt', 'svg', 'tiff', 'constructor']) {
    t.equal(mediaTypeOf(other), undefined, other);
  }
});

t.test(
  'a picture has one of four formats, and an animation may be a GIF; of a GIF a picture is PNG',
  async (t) => {
    t.strictSame(Object.keys(mediaTypes), [...pictureFormats, 'gif']);
    for (const format of pictureFormats) t.equal(resultFormat(format), format);
    t.equal(resultFormat('gif'), 'png');
  },
);
