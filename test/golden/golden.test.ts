import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import t from 'tap';

import { build } from '../support/app.ts';
import { perceptualDistance } from './perceptual.ts';
import { goldenFile, goldenPictures, paint } from './pictures.ts';

const app = await build(t);

for (const [name, fields] of Object.entries(goldenPictures)) {
  t.test(`${name} looks as it did (if it should not: npm run golden)`, async (t) => {
    const distance = await perceptualDistance(
      await paint(app, fields),
      await readFile(goldenFile(name)),
    );
    t.ok(distance < 1, `ΔE ${distance.toFixed(2)}`);
  });
}

t.test(
  'the distance tells styles apart, and a shift of colour that an eye would notice',
  async (t) => {
    const golden = await readFile(goldenFile('woodcut'));
    const other = await readFile(goldenFile('swirling-night'));
    t.ok((await perceptualDistance(golden, other)) > 10);
    const warmer = await sharp(golden).linear([1.05, 1, 0.95], [4, 0, -4]).png().toBuffer();
    t.ok((await perceptualDistance(golden, warmer)) > 2);
    t.ok((await perceptualDistance(golden, golden)) === 0);
  },
);
