import { createHash } from 'node:crypto';

import t from 'tap';

import { pixelDigest } from '../../src/imaging/digest.ts';

const image = (width: number, height: number, fill = 7) => ({
  width,
  height,
  data: new Uint8Array(3 * width * height).fill(fill),
});

t.test('the digest is sha256 over width, height and pixels', async (t) => {
  const bytes = Buffer.concat([Buffer.from([0, 0, 0, 2, 0, 0, 0, 1]), Buffer.alloc(6, 7)]);
  t.equal(pixelDigest(image(2, 1)), createHash('sha256').update(bytes).digest('hex'));
});

t.test('equal pictures have equal digests; another shape or pixel has another', async (t) => {
  t.equal(pixelDigest(image(20, 30)), pixelDigest(image(20, 30)));
  t.not(pixelDigest(image(20, 30)), pixelDigest(image(30, 20)));
  t.not(pixelDigest(image(20, 30)), pixelDigest(image(20, 30, 8)));
});
