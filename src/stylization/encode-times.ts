import { updated, upperBound, type WeightedMean } from '../weighted-mean.ts';
import type { PictureFormat } from '../imaging/formats.ts';
import type { Size } from '../rgb-image.ts';

/** What is encoded, by what it costs. */
export type Encoding = PictureFormat | 'gif' | 'animated webp';

/** How long encoding takes, learnt from every picture, so that the engine leaves time for it. */
export interface EncodeTimes {
  /** Milliseconds that few pictures of this size and format exceed. */
  bound(encoding: Encoding, size: Size): number;
  learn(encoding: Encoding, size: Size, ms: number): void;
}

/** Milliseconds per megapixel, as measured on a quiet machine; the deviation covers a busy one. */
const first: Readonly<Record<Encoding, number>> = {
  ...{ jpeg: 6, png: 50, webp: 42, avif: 100 },
  ...{ gif: 100, 'animated webp': 110 },
};

/** Small pictures cost as much as one of so many megapixels: calls and threads are not free. */
const least = 0.25;

export function createEncodeTimes(): EncodeTimes {
  const means = new Map<Encoding, WeightedMean>();
  const megapixels = ({ width, height }: Size) => Math.max(least, (width * height) / 1e6);
  const meanOf = (format: Encoding) =>
    means.get(format) ?? { mean: first[format], deviation: first[format] / 2 };
  return {
    bound: (format, size) => megapixels(size) * upperBound(meanOf(format)),
    learn(format, size, ms) {
      means.set(format, updated(meanOf(format), ms / megapixels(size)));
    },
  };
}
