import type { RgbImage, Size } from '../rgb-image.ts';
import { keepColor } from './color.ts';
import { serialize } from './graph/builder.ts';
import type { Graph } from './graph/builder.ts';
import { describeGraph, stylizeGraph, tileMomentsGraph, tileStylizeGraph } from './graph/graphs.ts';
import type { Parts } from './graph/graphs.ts';
import { parsePart } from './model.ts';
import type { Model } from './model.ts';
import { paint, planPainting } from './painting.ts';
import type { Painting, TileSessions } from './painting.ts';
import { createSession } from './runtime.ts';
import type { Placement, Session, Tensor } from './runtime.ts';
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
  const parts: Parts = {
    ...model,
    encoder: parsePart('encoder.onnx', model.encoder, 'picture', 'features'),
    decoder: parsePart('decoder.onnx', model.decoder, 'features', 'picture'),
  };
  const session = (graph: Graph) => createSession(serialize(graph), placement);
  const describing = await session(describeGraph(parts));
  const stylizing = await session(stylizeGraph(parts));
  const tileMoments = await session(tileMomentsGraph(parts));
  const tileStylize = await session(tileStylizeGraph(parts));
  const tileSessions = tiling(tileMoments, tileStylize);

  return {
    async describe(images) {
      const output = await describing.run({ pixels: stack(images) });
      return rows(output.data as StyleStatistics, images.length);
    },
    async stylize(inputs) {
      const images = inputs.map(({ image }) => image);
      const output = await stylizing.run({
        pixels: stack(images),
        statistics: packed(
          inputs.flatMap(({ statistics }) => [...statistics]),
          inputs.length,
        ),
        alpha: alphas(inputs),
      });
      const painted = rows(output.data as Uint8Array<ArrayBuffer>, inputs.length);
      return inputs.map(({ image, preserveColor }, index) => {
        const data = painted[index] as Uint8Array<ArrayBuffer>;
        if (preserveColor) keepColor(image.data, data);
        return { width: image.width, height: image.height, data };
      });
    },
    paint(input, tilePixels) {
      return paint(input, planPainting(input.image, model, tilePixels), model, tileSessions);
    },
    async release() {
      const all = [describing, stylizing, tileMoments, tileStylize];
      await Promise.all(all.map((one) => one.release()));
    },
  };
}

function tiling(tileMoments: Session, tileStylize: Session): TileSessions {
  return {
    async moments(pixels, size, { x0, y0, x1, y1 }) {
      const output = await tileMoments.run({
        pixels: pixelTensor(pixels, 1, size),
        starts: integers(y0, x0),
        ends: integers(y1, x1),
      });
      return output.data as Float32Array;
    },
    async stylize(pixels, size, { x0, y0, x1, y1 }, content, input) {
      const output = await tileStylize.run({
        pixels: pixelTensor(pixels, 1, size),
        content: packed(content, 1),
        statistics: packed(input.statistics, 1),
        alpha: alphas([input]),
        starts: integers(y0, x0),
        ends: integers(y1, x1),
      });
      return output.data as Uint8Array;
    },
  };
}

/** Pictures of one size → uint8 [N, H, W, 3]. A single picture is not copied. */
function stack(images: readonly RgbImage[]): Tensor {
  const [first] = images;
  if (!first) throw new RangeError('A batch holds at least one picture');
  if (images.length === 1) return pixelTensor(first.data, 1, first);
  const stacked = new Uint8Array(images.length * first.data.length);
  for (const [index, { data }] of images.entries()) stacked.set(data, index * data.length);
  return pixelTensor(stacked, images.length, first);
}

function pixelTensor(
  data: Uint8Array<ArrayBuffer>,
  count: number,
  { width, height }: Size,
): Tensor {
  return { type: 'uint8', data, dims: [count, height, width, 3] };
}

/** Statistics, one after another → float32 [N, 2, C]. */
function packed(values: ArrayLike<number>, count: number): Tensor {
  const data = Float32Array.from(values);
  return { type: 'float32', data, dims: [count, 2, data.length / count / 2] };
}

function alphas(inputs: readonly StylizeInput[]): Tensor {
  const data = Float32Array.from(inputs, ({ alpha }) => alpha);
  return { type: 'float32', data, dims: [inputs.length] };
}

function integers(...values: number[]): Tensor {
  return { type: 'int64', data: BigInt64Array.from(values, BigInt), dims: [values.length] };
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
