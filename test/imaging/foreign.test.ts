import { gzipSync } from 'node:zlib';

import t from 'tap';

import { describeForeign } from '../../src/imaging/foreign.ts';
import { decodeContent } from './files.ts';

const taken = 'JPEG, PNG, WebP, AVIF or GIF';

/** By what they are called, the begins of files; bytes as latin1. */
const files: Record<string, readonly string[]> = {
  'a HEIC picture, as iPhones take them': [
    '\0\0\0\x18ftypheic\0\0\0\0mif1heic',
    '\0\0\0\x24ftypmif1\0\0\0\0mif1heicmiaf',
    '\0\0\0\x18ftypmsf1\0\0\0\0hevcmsf1',
  ],
  'a HEIF picture without AVIF': ['\0\0\0\x18ftypmif1\0\0\0\0mif1jpeg'],
  'a JPEG XL picture': ['\xff\x0a\xfa\x1f', '\0\0\0\x0cJXL \r\n\x87\n'],
  'a JPEG 2000 picture': ['\0\0\0\x0cjP  \r\n\x87\n'],
  'a TIFF picture, or a camera’s raw one': ['II*\0\b\0\0\0', 'MM\0*\0\0\0\b', 'II+\0\b\0\0\0'],
  'a camera’s raw picture': [
    'II*\0\x10\0\0\0CR\x02\0',
    'FUJIFILMCCD-RAW 0201',
    '\0\0\0\x18ftypcrx ',
  ],
  'a BMP picture': ['BM\x36\0\x0c\0\0\0\0\0\x36'],
  'an SVG drawing': [
    '<svg xmlns="http://www.w3.org/2000/svg"/>',
    '\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn -->\n<!DOCTYPE svg PUBLIC "x">\n<svg width="6"/>',
  ],
  'a PDF document': ['%PDF-1.7\n1 0 obj'],
  'a PostScript document': ['%!PS-Adobe-3.0 EPSF-3.0'],
  'a Photoshop document': ['8BPS\0\x01'],
  'a GIMP document': ['gimp xcf v011'],
  'an icon': ['\0\0\x01\0\x01\0\x10\x10'],
  'a picture in HDR': ['#?RADIANCE\n', 'v/1\x01\x02'],
  'a portable bitmap (PNM)': ['P6\n32 32\n255\n'],
  'a video': [
    '\0\0\0\x18ftypisom\0\0\x02\0isommp41',
    '\x1aE\xdf\xa3\x01',
    'RIFF\x24\0\0\0AVI LIST',
  ],
  'an archive, or a document of an office': [
    'PK\x03\x04\x14\0',
    gzipSync('picture').toString('latin1'),
  ],
  'a web page': ['<!doctype html><svg></svg>', '\n <html><body>404</body></html>'],
  'a data URL': ['data:image/png;base64,iVBORw0KGgo='],
  'a picture as base64 text': ['iVBORw0KGgoAAAANSUhEUg', '/9j/4AAQSkZJRg'],
  'the address of a picture': ['https://example.com/cat.jpg'],
};

t.test('what is no picture of ours is named, with how to send it', async (t) => {
  for (const [name, begins] of Object.entries(files)) {
    for (const begin of begins) {
      const text = describeForeign(Buffer.from(begin, 'latin1'));
      const [what, ...remedy] = text.split(/, which is not taken here\. /);
      t.equal(what, `The file is ${name}`);
      t.match(remedy.join(), / JPEG, PNG, WebP, AVIF or GIF\.$/);
    }
  }
});

t.test('the whole text', async (t) => {
  t.equal(
    describeForeign(Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')),
    `The file is a HEIC picture, as iPhones take them, which is not taken here. On the iPhone choose Settings › Camera › Formats › Most Compatible to take JPEG, or export the picture as JPEG and send that. Taken are ${taken}.`,
  );
  t.equal(
    describeForeign(Buffer.alloc(0)),
    `The file is empty: no picture was chosen. Send ${taken}.`,
  );
  for (const other of ['hello', '\xff', '2 2\n1 0\n', '{"a":1}', 'BMW']) {
    t.equal(
      describeForeign(Buffer.from(other, 'latin1')),
      `The file is not a picture of a type we take. Send ${taken}.`,
    );
  }
});

t.test('nothing of them is decoded: 415', async (t) => {
  for (const begin of ['', ...Object.values(files).flat()]) {
    await t.rejects(
      decodeContent(Buffer.from(begin, 'latin1'), { maxPixels: 1e6, field: 'content' }),
      { code: 'unsupported_media_type', status: 415, field: 'content' },
    );
  }
});
