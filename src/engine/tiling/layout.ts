import type { Padding } from './canvas.ts';
import type { Model } from '../model/model.ts';
import type { Placement } from '../devices/placement.ts';

type Networks = Pick<Model, 'encoderMargin' | 'decoderHalo' | 'channels' | 'epsilon'>;

export interface LayoutOptions {
  readonly tilePixels: number;
  /** By default as the device likes it. */
  readonly maxBatch?: number | undefined;
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

/** On a CPU two run side by side; a GPU computes them in one run, which it must have been shown before. */
const defaultBatch = { cpu: 2, cuda: 1 };

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
  { margin, stride, encoderMargin, decoderHalo, channels, epsilon }: Model,
  { provider, threads }: Pick<Placement, 'provider' | 'threads'>,
  { tilePixels, maxBatch = defaultBatch[provider] }: LayoutOptions,
): Layout {
  const networks = { encoderMargin, decoderHalo, channels, epsilon };
  const layout = { ...networks, margin, stride, tilePixels };
  if (provider === 'cpu') {
    return { ...layout, batch: Math.min(maxBatch, threads, 2), batchPixels: tilePixels / 2 };
  }
  const sides = [4, 2, 1].map((parts) => {
    const side = Math.sqrt(tilePixels) / parts;
    return Math.floor(side / stride) * stride + 2 * margin;
  });
  return { ...layout, sides, batch: maxBatch, batchPixels: Infinity };
}
