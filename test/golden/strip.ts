/**
 * Draws the README's pictures by the service itself, with new weights or controls: npm run golden
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp, { type OverlayOptions } from 'sharp';

import { buildApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import type { Size } from '../../src/rgb-image.ts';
import { form, type Field } from '../support/app.ts';
import { clipOf } from '../support/clip.ts';

const gap = 6;
const example = (file: string) =>
  fileURLToPath(new URL(`../../models/examples/${file}`, import.meta.url));
const app = await buildApp(readConfig({ LOG_LEVEL: 'warn' }));
await app.warmUp();

type Draw = () => Promise<Buffer>;
const photo = (file: string) => () => readFile(example(file));
const style = (id: string) => async () => (await app.inject(`/styles/${id}/image`)).rawPayload;
const painted =
  (file: string, ...fields: Field[]) =>
  () =>
    paint(file, fields);

async function paint(file: string, fields: readonly Field[]): Promise<Buffer> {
  const content = await readFile(example(file));
  const request = await form(['content', content], ...fields);
  const reply = await app.inject(request);
  if (reply.statusCode !== 200) throw new Error(reply.body);
  return reply.rawPayload;
}

/** Rows of pictures, each cut to a cell. */
async function sheet(
  file: string,
  rows: readonly (readonly Draw[])[],
  [width, height] = [420, 280],
) {
  const cells: OverlayOptions[] = [];
  for (const [y, row] of rows.entries()) {
    for (const [x, draw] of row.entries()) {
      const input = await sharp(await draw())
        .resize(width, height)
        .toBuffer();
      cells.push({ input, left: x * (width + gap), top: y * (height + gap) });
    }
  }
  const whole = {
    width: (rows[0]?.length ?? 0) * (width + gap) - gap,
    height: rows.length * (height + gap) - gap,
  };
  await sharp({ create: { ...whole, channels: 3, background: 'white' } })
    .composite(cells)
    .jpeg({ quality: 85 })
    .toFile(example(file));
}

// Photo, style, result.
const pairs = [
  ['lake.jpg', 'swirling-night'],
  ['still-life.jpg', 'stained-glass'],
  ['lake.jpg', 'great-wave'],
  ['still-life.jpg', 'watercolour'],
] as const;
await sheet(
  'strip.jpg',
  pairs.map(([file, id]) => [
    photo(file),
    style(id),
    painted(file, ['styleId', id], ['format', 'png']),
  ]),
);

// Strokes of 0.25, 0.5, 1, 2 and 4.
await sheet(
  'brush-strokes.jpg',
  ['great-wave', 'woodcut', 'mosaic', 'palette-knife'].map((id) =>
    ['0.25', '0.5', '1', '2', '4'].map((strokes) =>
      painted(
        'canal.jpg',
        ['styleId', id],
        ['size', '640'],
        ['strokes', strokes],
        ['format', 'png'],
      ),
    ),
  ),
  [280, 187],
);

// Photo, then the colours of the style, of the content, and of the style alone.
await sheet(
  'brush-color.jpg',
  ['great-wave', 'stained-glass'].map((id) => [
    photo('still-life.jpg'),
    ...['style', 'content', 'only'].map((color) =>
      painted(
        'still-life.jpg',
        ['styleId', id],
        ['strokes', '2'],
        ['color', color],
        ['format', 'png'],
      ),
    ),
  ]),
  [280, 187],
);

// Masks of a soft edge between the sky with the houses and the water.
const edge = Buffer.from(
  Array.from({ length: 96 * 64 }, (_, i) => {
    const y = Math.floor(i / 96) / 64;
    return 255 * Math.min(Math.max((y - 0.66) / 0.06, 0), 1);
  }),
);
const water = sharp(edge, { raw: { width: 96, height: 64, channels: 1 } }).toColourspace('b-w');
const masks = {
  'lower.png': await water.clone().png().toBuffer(),
  'upper.png': await water.clone().negate().png().toBuffer(),
};
for (const [file, bytes] of Object.entries(masks)) await writeFile(example(file), bytes);

// Photo, mask, one style where it is white, and two styles in two places.
await sheet(
  'brush-mask.jpg',
  [
    [
      photo('canal.jpg'),
      photo('upper.png'),
      painted('canal.jpg', ['styleId', 'woodcut'], ['mask', masks['upper.png']], ['format', 'png']),
      painted(
        'canal.jpg',
        ['styleId', 'great-wave,stained-glass'],
        ['mask', masks['lower.png']],
        ['mask', masks['upper.png']],
        ['alpha', '1,0.8'],
        ['format', 'png'],
      ),
    ],
  ],
  [280, 187],
);

// A picture that moves over a still one, and a cut.
const clipSize = { width: 420, height: 236 };
const pixelsOf = (file: string, { width, height }: Size) =>
  sharp(example(file)).resize(width, height).removeAlpha().raw().toBuffer();
const moving = { width: 130, height: 96 };
const mover = {
  input: await pixelsOf('still-life.jpg', moving),
  raw: { ...moving, channels: 3 },
} as const;
const shots = await Promise.all(
  ['lake.jpg', 'lake.jpg', 'lake.jpg', 'canal.jpg'].map(async (file, i) =>
    sharp(await pixelsOf(file, clipSize), { raw: { ...clipSize, channels: 3 } })
      .composite([{ ...mover, left: 20 + 50 * i, top: 110 }])
      .removeAlpha()
      .raw()
      .toBuffer(),
  ),
);
const clip = await clipOf(Buffer.concat(shots), clipSize.width, clipSize.height)
  .webp({ quality: 85, delay: shots.map(() => 500) })
  .toBuffer();
await writeFile(example('clip.webp'), clip);
const repainted = await app.inject(
  await form(['content', clip], ['styleId', 'great-wave'], ['frames', 'all'], ['quality', '95']),
);

// Frames as they were sent, and painted.
await sheet(
  'brush-frames.jpg',
  [clip, repainted.rawPayload].map((bytes) =>
    shots.map((_, page) => () => sharp(bytes, { page }).png().toBuffer()),
  ),
  [280, 157],
);

// What the README's first curl line gives.
const curl = painted('lake.jpg', ['styleId', 'great-wave']);
await writeFile(example('lake-great-wave.jpg'), await curl());
await app.close();
