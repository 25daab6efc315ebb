/**
 * Renders the example photographs, a few minutes each.
 * Usage: node --import tsx models/examples/draw/index.ts [name…]   (no name: all of them)
 */
import { writeFile } from 'node:fs/promises';
import { Random } from '../../styles/draw/kit/random.ts';
import { type Camera, jpeg, photograph, type Scene } from './camera.ts';
import { canal, canalCamera } from './canal.ts';
import { lake, lakeCamera } from './lake.ts';
import { stillLife, stillLifeCamera } from './still-life.ts';

const WIDTH = 960;
const HEIGHT = 640;
/** For tests and quick tries: the same picture, cropped to 4:3. */
const SMALL = [512, 384] as const;

const scenes: readonly { name: string; scene: Scene; camera: Camera }[] = [
  { name: 'lake', scene: lake, camera: lakeCamera },
  { name: 'canal', scene: canal, camera: canalCamera },
  { name: 'still-life', scene: stillLife, camera: stillLifeCamera },
];

const folder = new URL('../', import.meta.url);
const names = process.argv.slice(2);
for (const { name, scene, camera } of scenes) {
  if (names.length > 0 && !names.includes(name)) continue;
  const picture = photograph(scene, camera, WIDTH, HEIGHT, new Random(1));
  await writeFile(new URL(`${name}.jpg`, folder), await jpeg(picture));
  await writeFile(new URL(`${name}-small.jpg`, folder), await jpeg(picture, SMALL));
  console.log(`${name}.jpg`);
}
