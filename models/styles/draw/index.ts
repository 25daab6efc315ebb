/**
 * Draws the style plates and writes the catalog beside them.
 * Usage: node --import tsx models/styles/draw/index.ts [id…]   (no id: all of them)
 */
import { writeFile } from 'node:fs/promises';
import { drawPlate, encodePlate, type Plate } from './plate.ts';
import { plates } from './plates/index.ts';

const folder = new URL('../', import.meta.url);
const fileOf = (plate: Plate): string => `${plate.id}.jpg`;

function wanted(ids: readonly string[]): readonly Plate[] {
  const unknown = ids.filter((id) => !plates.some((plate) => plate.id === id));
  if (unknown.length > 0) {
    const known = plates.map((plate) => plate.id).join(', ');
    throw new Error(`No such plate: ${unknown.join(', ')}. There are ${known}`);
  }
  return ids.length === 0 ? plates : plates.filter((plate) => ids.includes(plate.id));
}

for (const plate of wanted(process.argv.slice(2))) {
  const picture = await encodePlate(drawPlate(plate));
  await writeFile(new URL(fileOf(plate), folder), picture);
  console.log(`${fileOf(plate)}  ${(picture.length / 1000).toFixed(0)} kB`);
}

const styles = plates.map((plate) => {
  const { id, name, description, width, height } = plate;
  return { id, file: fileOf(plate), name, description, license: 'CC0-1.0', width, height };
});
await writeFile(new URL('catalog.json', folder), `${JSON.stringify({ styles }, null, 2)}\n`);
