import { readdirSync, readFileSync } from 'node:fs';

import sharp from 'sharp';
import t from 'tap';
import { z } from 'zod';

import { drawPlate } from '../../models/styles/draw/plate.ts';
import { plates } from '../../models/styles/draw/plates/index.ts';

const folder = new URL('../../models/styles/', import.meta.url);
const pathOf = (file: string): string => new URL(file, folder).pathname;

const Catalog = z.strictObject({
  styles: z.array(
    z.strictObject({
      id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
      file: z.string(),
      name: z.string().min(3),
      description: z.string().regex(/^[A-Z][^.]+\.$/, 'one sentence'),
      license: z.literal('CC0-1.0'),
      width: z.int(),
      height: z.int(),
    }),
  ),
});
const { styles } = Catalog.parse(JSON.parse(readFileSync(pathOf('catalog.json'), 'utf8')));

t.test('the catalog lists what the code draws and the folder holds', async (t) => {
  t.same(
    styles.map(({ id, name, description }) => ({ id, name, description })),
    plates.map(({ id, name, description }) => ({ id, name, description })),
    'catalog.json is as `npm run styles:draw` writes it',
  );
  t.equal(new Set(styles.map(({ id }) => id)).size, styles.length, 'ids are unique');
  const pictures = readdirSync(folder).filter((file) => /\.(jpg|png|webp)$/.test(file));
  t.same(pictures.sort(), styles.map(({ file }) => file).sort(), 'a file for each, each listed');
});

t.test('every plate is full of colour and texture, edge to edge', async (t) => {
  const TILES = 4;
  for (const { id, file, width, height } of styles) {
    const image = sharp(pathOf(file));
    const metadata = await image.metadata();
    t.same([metadata.width, metadata.height], [width, height], `${id}: size`);
    const { entropy, channels } = await image.stats();
    t.ok(entropy > 6.5, `${id}: entropy ${entropy.toFixed(2)} bits`);
    t.ok(
      channels.some(({ stdev }) => stdev > 45),
      `${id}: contrast`,
    );
    // AdaIN averages over the whole plate, so an empty corner dilutes the style.
    const tile = { width: width / TILES, height: height / TILES };
    for (let i = 0; i < TILES * TILES; i++) {
      const left = (i % TILES) * tile.width;
      const top = Math.floor(i / TILES) * tile.height;
      const part = await image
        .clone()
        .extract({ left, top, ...tile })
        .toBuffer();
      const deviation = Math.max(...(await sharp(part).stats()).channels.map((c) => c.stdev));
      t.ok(deviation > 12, `${id}: tile ${i} is not flat (${deviation.toFixed(1)})`);
    }
  }
});

t.test('drawing is deterministic', async (t) => {
  for (const id of ['stained-glass', 'swirling-night']) {
    const plate = plates.find((each) => each.id === id);
    if (!plate) throw new Error(`${id} is gone`);
    const small = { ...plate, width: 96, height: 96 };
    const [once, again] = [drawPlate(small, 1).pixels(), drawPlate(small, 1).pixels()];
    t.ok(Buffer.from(once).equals(again), id);
  }
});
