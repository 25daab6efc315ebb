import type { Padding } from './canvas.ts';
import { shapeFor } from './footprint.ts';
import type { Model } from '../model/model.ts';
import type { Placement } from '../devices/placement.ts';

type Networks = Pick<Model, 'encoderMargin' | 'decoderHalo' | 'channels' | 'epsilon' | 'grain'>;

export interface LayoutOptions {
  /** By default 1 megapixel, on a CPU less where memory is short. */
  readonly tilePixels?: number | undefined;
  /** By default 1 on a GPU, on a CPU 2 where there is memory for it. */
  readonly maxBatch?: number | undefined;
  /** What the process may use; unbounded by default. */
  readonly memoryBytes?: number;
}

/** How pictures are laid out for the networks on a device. */
export interface Layout extends Networks, Padding {
  /** Most pixels of a picture that is painted in one piece, and of a tile. */
  readonly tilePixels: number;
  /** Most pictures that run together. Where `sides` are given, runs hold one picture or this many. */
  readonly batch: number;
  /** Most pixels of a picture that runs together with others. */
  readonly batchPixels: number;
}

/** Of the largest tile, in pixels, the fastest first: the smaller a tile, the more of it is margin. */
const tileSizes = [2 ** 20, 2 ** 19, 2 ** 18] as const;

/** In pixels: a third of its side is what the networks see around it. */
export function smallestTile({ encoderMargin, decoderHalo }: Networks): number {
  return (3 * (encoderMargin + decoderHalo)) ** 2;
}

/**
 * On a CPU two pictures side by side, each with memory of its own, are together no larger than a tile.
 *
 * A GPU needs few shapes: cuDNN tries all its algorithms on each new one, for seconds, and a session
 * keeps what it found for its last shape only (microsoft/onnxruntime#23006). There, every picture
 * lies on the smallest of three square canvases that holds it, and what the largest cannot hold is
 * cut into tiles of that. The largest holds a square picture of `tilePixels`, the others squares of
 * a half and a quarter of its side.
 */
export function layoutOf(
  { margin, stride, encoderMargin, decoderHalo, channels, epsilon, grain }: Model,
  { provider, threads }: Pick<Placement, 'provider' | 'threads'>,
  options: LayoutOptions,
): Layout {
  const networks = { encoderMargin, decoderHalo, channels, epsilon, grain, margin, stride };
  const { memoryBytes = Infinity, tilePixels, maxBatch } = options;
  if (provider === 'cpu') {
    const batches = (maxBatch === undefined ? [2, 1] : [maxBatch]).map((most) =>
      Math.min(most, threads, 2),
    );
    const smallest = smallestTile(networks);
    const tiles = tilePixels ? [tilePixels] : tileSizes.map((size) => Math.max(size, smallest));
    const shape = shapeFor(memoryBytes, batches, tiles);
    return { ...networks, ...shape, batchPixels: shape.tilePixels / 2 };
  }
  const [largest] = tileSizes;
  const pixels = tilePixels ?? largest;
  const sides = [4, 2, 1].map((parts) => {
    const side = Math.sqrt(pixels) / parts;
    return Math.floor(side / stride) * stride + 2 * margin;
  });
  return { ...networks, tilePixels: pixels, sides, batch: maxBatch ?? 1, batchPixels: Infinity };
}
