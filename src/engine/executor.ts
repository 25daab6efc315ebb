import type { RgbImage } from '../rgb-image.ts';
import { serialize } from './graph/builder.ts';
import { describeGraph, stylizeGraph } from './graph/graphs.ts';
import type { Parts } from './graph/graphs.ts';
import { parsePart } from './model.ts';
import type { Model } from './model.ts';
import { createSession } from './runtime.ts';
import type { Placement, Tensor } from './runtime.ts';
import type { StyleStatistics, StylizeInput } from './types.ts';

/** The sessions of one device, and the batches they run. Blocks its thread while it computes. */
export interface Executor {
  /** Pictures of one size → their statistics, in the same order. */
  describe(images: readonly RgbImage[]): Promise<StyleStatistics[]>;
  /** Pictures of one size, each with its own style and alpha → pictures, in the same order. */
  stylize(inputs: readonly StylizeInput[]): Promise<RgbImage[]>;
  release(): Promise<void>;
}

export async function createExecutor(model: Model, placement: Placement): Promise<Executor> {
  const parts: Parts = {
    ...model,
    encoder: parsePart('encoder.onnx', model.encoder, 'picture', 'features'),
    decoder: parsePart('decoder.onnx', model.decoder, 'features', 'picture'),
  };
  const describing = await createSession(serialize(describeGraph(parts)), placement);
  const stylizing = await createSession(serialize(stylizeGraph(parts)), placement);

  return {
    async describe(images) {
      const output = await describing.run({ pixels: stackPixels(images) });
      return rows(output.data as StyleStatistics, images.length);
    },
    async stylize(inputs) {
      const images = inputs.map(({ image }) => image);
      const output = await stylizing.run({
        pixels: stackPixels(images),
        statistics: stackStatistics(inputs.map(({ statistics }) => statistics)),
        alpha: floats(
          inputs.map(({ alpha }) => alpha),
          [inputs.length],
        ),
      });
      const painted = rows(output.data as Uint8Array<ArrayBuffer>, inputs.length);
      return images.map(({ width, height }, index) => ({
        width,
        height,
        data: painted[index] as Uint8Array<ArrayBuffer>,
      }));
    },
    async release() {
      await Promise.all([describing.release(), stylizing.release()]);
    },
  };
}

/** Pictures of one size → uint8 [N, H, W, 3]. A single picture is not copied. */
function stackPixels(images: readonly RgbImage[]): Tensor {
  const [first] = images;
  if (!first) throw new RangeError('A batch holds at least one picture');
  const { width, height, data } = first;
  const dims = [images.length, height, width, 3];
  if (images.length === 1) return { type: 'uint8', data, dims };
  const stacked = new Uint8Array(images.length * data.length);
  for (const [index, image] of images.entries()) stacked.set(image.data, index * data.length);
  return { type: 'uint8', data: stacked, dims };
}

function stackStatistics(statistics: readonly StyleStatistics[]): Tensor {
  const length = statistics[0]?.length ?? 0;
  const stacked = new Float32Array(statistics.length * length);
  for (const [index, one] of statistics.entries()) stacked.set(one, index * length);
  return { type: 'float32', data: stacked, dims: [statistics.length, 2, length / 2] };
}

function floats(values: readonly number[], dims: number[]): Tensor {
  return { type: 'float32', data: Float32Array.from(values), dims };
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
