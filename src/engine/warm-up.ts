import type { RgbImage } from '../rgb-image.ts';
import { largestSide } from './canvas.ts';
import type { Executor } from './executor.ts';
import type { Layout } from './layout.ts';
import { smallestSide } from './model.ts';
import { planPainting, stepsOf } from './painting.ts';
import type { Kind, Speeds } from './rates.ts';
import { wholeShapes } from './shapes.ts';
import type { StyleStatistics } from './types.ts';

/** Large enough for the speed to be that of real pictures, small enough for a quick start. */
const side = 256;

/**
 * Runs every kind of work twice on noise, where there are few shapes in each of them: first the
 * largest, as a GPU's memory pool keeps what it has grown to. The first run pays for memory, threads
 * and plans; the second tells the speed.
 *
 * The runtime lays a shape's values out in one block, as large as its first run wanted them. What
 * a picture of another size wants larger or smaller gets memory of its own beside the block. So
 * where there are few shapes, the first run has the least picture that lies on the canvas, and the
 * second the largest: no other needs more.
 * @throws what the runtime says when the device cannot run the networks
 */
export async function warmUp(executor: Executor, layout: Layout): Promise<Speeds> {
  const { margin, sides } = layout;
  const shapes = sides ? wholeShapes(layout) : [{ count: 1, side: side + 2 * margin }];
  const speeds: Partial<Record<Kind, number>> = {};
  let statistics: StyleStatistics = new Float32Array();
  const input = (image: RgbImage) => ({ image, statistics, alpha: 1, preserveColor: false });
  for (const { count, side } of shapes) {
    const longest = side - 2 * margin;
    const largest = noise(longest, longest);
    const least = sides ? noise(longest, smallestSide) : largest;
    const twice = async <T>(kind: Kind, work: (images: RgbImage[]) => Promise<T>): Promise<T> => {
      await work(Array<RgbImage>(count).fill(least));
      const start = performance.now();
      const result = await work(Array<RgbImage>(count).fill(largest));
      speeds[kind] = (performance.now() - start) / ((count * side ** 2) / 1e6);
      return result;
    };
    [statistics = statistics] = await twice('describe', (images) => executor.describe(images));
    await twice('stylize', (images) => executor.stylize(images.map(input)));
  }

  for (const image of tiledPictures(layout)) {
    const painting = executor.paint(input(image));
    for (const { kind, megapixels } of stepsOf(planPainting(image, layout))) {
      const start = performance.now();
      await painting.next();
      speeds[kind] = (performance.now() - start) / megapixels;
    }
  }
  return speeds as Speeds;
}

/** Where there are few shapes, the shortest picture that takes two tiles, and the highest. */
function tiledPictures({ margin, sides }: Layout): readonly RgbImage[] {
  if (!sides) return [noise(side, side), noise(side, side)];
  const longest = largestSide(sides);
  return [noise(longest, smallestSide), noise(longest, longest - 2 * margin)];
}

function noise(width: number, height: number): RgbImage {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 7919) % 251);
  return { width, height, data };
}
