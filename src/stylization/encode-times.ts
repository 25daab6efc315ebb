import { type Estimate, learn, upperBound } from '../engine/scheduling/weighted-mean.ts';
import type { PictureFormat } from '../imaging/formats.ts';
import type { Size } from '../rgb-image.ts';

/** How long encoding takes, learnt from every picture, so that the engine leaves time for it. */
export interface EncodeTimes {
  /** Milliseconds that few pictures of this size and format exceed. */
  bound(format: PictureFormat, size: Size): number;
  learn(format: PictureFormat, size: Size, ms: number): void;
}

/** Milliseconds per megapixel, as measured on a quiet machine; the deviation covers a busy one. */
const first: Readonly<Record<PictureFormat, number>> = { jpeg: 6, png: 50, webp: 42, avif: 100 };

/** Small pictures cost as much as one of so many megapixels: calls and threads are not free. */
const least = 0.25;

export function createEncodeTimes(): EncodeTimes {
  const estimates = new Map<PictureFormat, Estimate>();
  const megapixels = ({ width, height }: Size) => Math.max(least, (width * height) / 1e6);
  const estimateOf = (format: PictureFormat) =>
    estimates.get(format) ?? { mean: first[format], deviation: first[format] / 2 };
  return {
    bound: (format, size) => megapixels(size) * upperBound(estimateOf(format)),
    learn(format, size, ms) {
      estimates.set(format, learn(estimateOf(format), ms / megapixels(size)));
    },
  };
}
