import type { RgbImage } from '../rgb-image.ts';
import { featuresOfPicture } from './canvas.ts';
import { keepColor } from './color.ts';
import { describeFeeds, stylizeFeeds } from './feeds.ts';
import { serialize } from './graph/builder.ts';
import type { Graph } from './graph/builder.ts';
import { momentsGraph, stylizeGraph, tileStylizeGraph } from './graph/graphs.ts';
import { inHalf } from './graph/half.ts';
import { partsOf } from './model.ts';
import type { Model } from './model.ts';
import { momentsOf, statisticsOf } from './moments.ts';
import { paint, planPainting } from './painting.ts';
import type { Painting } from './painting.ts';
import { area } from './rectangle.ts';
import { createSession } from './runtime.ts';
import type { Placement } from './runtime.ts';
import type { StyleStatistics, StylizeInput } from './types.ts';

/** The sessions of one device, and the batches they run. Blocks its thread while it computes. */
export interface Executor {
  /** Pictures of one size → their statistics, in the same order. */
  describe(images: readonly RgbImage[]): Promise<StyleStatistics[]>;
  /** Pictures of one size, each with its own style and alpha → pictures, in the same order. */
  stylize(inputs: readonly StylizeInput[]): Promise<RgbImage[]>;
  /** One picture of any size in tiles of at most `tilePixels`. */
  paint(input: StylizeInput, tilePixels: number): Painting;
  release(): Promise<void>;
}

/** @throws what the runtime says when a graph does not fit the device */
export async function createExecutor(model: Model, placement: Placement): Promise<Executor> {
  const full = partsOf(model);
  const parts = placement.precision === 'float16' ? inHalf(full) : full;
  const session = (graph: Graph) => createSession(serialize(graph), placement);
  const moments = await session(momentsGraph(parts));
  const stylize = await session(stylizeGraph(parts));
  const tileStylize = await session(tileStylizeGraph(parts));

  return {
    async describe(images) {
      const { data } = await moments.run(describeFeeds(images, model));
      return rows(data as Float32Array<ArrayBuffer>, images.length).map((packed, index) => {
        const count = area(featuresOfPicture(images[index] as RgbImage, model));
        return statisticsOf(momentsOf(packed, count), model.epsilon);
      });
    },
    async stylize(inputs) {
      const { data } = await stylize.run(stylizeFeeds(inputs, model));
      const painted = rows(data as Uint8Array<ArrayBuffer>, inputs.length);
      return inputs.map(({ image, preserveColor }, index) => {
        const data = painted[index] as Uint8Array<ArrayBuffer>;
        if (preserveColor) keepColor(image.data, data);
        return { width: image.width, height: image.height, data };
      });
    },
    paint(input, tilePixels) {
      const plan = planPainting(input.image, model, tilePixels);
      return paint(input, plan, model, { moments, tileStylize });
    },
    async release() {
      await Promise.all([moments, stylize, tileStylize].map((one) => one.release()));
    },
  };
}

/** Cuts a batch's output into one array each, every one with a buffer of its own to transfer. */
function rows<T extends Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>>(
  data: T,
  count: number,
): T[] {
  if (count === 1) return [data];
  const length = data.length / count;
  return Array.from(
    { length: count },
    (_, index) => data.slice(index * length, (index + 1) * length) as T,
  );
}
