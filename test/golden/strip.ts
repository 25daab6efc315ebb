import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp, { type OverlayOptions } from 'sharp';

import { buildApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { form } from '../support/app.ts';

// Draws the README's pictures by the service itself. strip.jpg: a row of photo, style and result
// each; lake-great-wave.jpg: what its curl line gives. With new weights: npm run golden
const rows = [
  ['lake.jpg', 'swirling-night'],
  ['still-life.jpg', 'stained-glass'],
  ['lake.jpg', 'great-wave'],
  ['still-life.jpg', 'watercolour'],
] as const;
const cell = { width: 420, height: 280 };

const example = (file: string) =>
  fileURLToPath(new URL(`../../models/examples/${file}`, import.meta.url));
const app = await buildApp(readConfig({ LOG_LEVEL: 'warn' }));
await app.warmUp();
const tiles: OverlayOptions[] = [];

for (const [row, [photo, styleId]] of rows.entries()) {
  const content = await readFile(example(photo));
  const request = await form(['content', content], ['styleId', styleId], ['format', 'png']);
  const result = (await app.inject(request)).rawPayload;
  const style = (await app.inject(`/styles/${styleId}/image`)).rawPayload;
  for (const [column, picture] of [content, style, result].entries()) {
    const input = await sharp(picture).resize(cell.width, cell.height, { fit: 'cover' }).toBuffer();
    tiles.push({ input, left: column * (cell.width + 6), top: row * (cell.height + 6) });
  }
}

const width = 3 * cell.width + 12;
const height = rows.length * (cell.height + 6) - 6;
await sharp({ create: { width, height, channels: 3, background: 'white' } })
  .composite(tiles)
  .jpeg({ quality: 85 })
  .toFile(example('strip.jpg'));
const lake = await readFile(example('lake.jpg'));
const curl = await app.inject(await form(['content', lake], ['styleId', 'great-wave']));
await writeFile(example('lake-great-wave.jpg'), curl.rawPayload);
await app.close();
