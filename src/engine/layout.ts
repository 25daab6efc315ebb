import type { Size } from '../rgb-image.ts';
import { canvasSize, largestSide } from './canvas.ts';
import type { Padding } from './canvas.ts';
import type { Model } from './model.ts';
import type { Provider } from './types.ts';

type Networks = Pick<
  Model,
  'decoderMargin' | 'encoderHalo' | 'decoderHalo' | 'channels' | 'epsilon'
>;

/** How pictures are laid out for the networks on a device. */
export interface Layout extends Networks, Padding {
  /** Most pixels of a picture that is painted in one piece, and of a tile. */
  readonly tilePixels: number;
  /** Most pictures of a run. Where `sides` are given, runs hold one picture or this many. */
  readonly batch: number;
}

/**
 * A GPU needs few shapes: cuDNN tries all its algorithms on each new one, for seconds, and a session
 * keeps what it found for its last shape only (microsoft/onnxruntime#23006). There, every picture
 * lies on the smallest of three square canvases that holds it, and what the largest cannot hold is
 * cut into tiles of that. The largest holds a square picture of `tilePixels`, the others squares of
 * a half and a quarter of its side.
 */
export function layoutOf(
  { margin, decoderMargin, stride, encoderHalo, decoderHalo, channels, epsilon }: Model,
  provider: Provider,
  { tilePixels, maxBatch }: { readonly tilePixels: number; readonly maxBatch: number },
): Layout {
  const networks = { decoderMargin, encoderHalo, decoderHalo, channels, epsilon };
  const layout = { ...networks, margin, stride, tilePixels, batch: maxBatch };
  if (provider === 'cpu') return layout;
  const sides = [4, 2, 1].map((parts) => {
    const side = Math.sqrt(tilePixels) / parts;
    return Math.floor(side / stride) * stride + 2 * margin;
  });
  return { ...layout, sides };
}

/** Whether a picture is painted in one piece. */
export function isOnePiece(size: Size, layout: Layout): boolean {
  if (!layout.sides) return size.width * size.height <= layout.tilePixels;
  const { width, height } = canvasSize(size, layout);
  return Math.max(width, height) <= largestSide(layout.sides);
}
