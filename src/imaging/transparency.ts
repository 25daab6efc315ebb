import sharp, { type Sharp } from 'sharp';

import type { Size } from '../rgb-image.ts';

export interface Layers {
  /** RGB, as the networks are to see it. */
  readonly rgb: Buffer;
  /** One byte a pixel; undefined when every pixel is opaque. */
  readonly alpha: Buffer | undefined;
}

/** Pixels at least as opaque as 1 in so many keep their colour; fainter ones fade into the ground. */
const faintest = 4;

/** Visible colours that differ less, as a standard deviation, need a ground that they stand out from. */
const flat = 12;

/**
 * Parts the pixels of an RGBA picture. The bytes under transparent pixels are arbitrary and would
 * leak into the statistics of the whole picture: a ground of the mean of what is visible takes their
 * place, since it changes the statistics least. A shape of one colour gets white or black instead,
 * or the networks would see nothing of it.
 */
export async function separate(rgba: Buffer, { width, height }: Size): Promise<Layers> {
  const raw4 = { raw: { width, height, channels: 4 }, limitInputPixels: false } as const;
  const picture = () => sharp(rgba, raw4);
  const alpha = await toRaw(picture().extractChannel('alpha'));
  if (isFilledWith(alpha, 255)) {
    return { rgb: await toRaw(picture().removeAlpha()), alpha: undefined };
  }
  // Opacity is put back on the result: here it must not take away contrast as well.
  const firm = await toRaw(picture().linear([1, 1, 1, faintest], [0, 0, 0, 0]));
  const rgb = await toRaw(sharp(firm, raw4).flatten({ background: await groundOf(picture()) }));
  return { rgb, alpha };
}

function toRaw(pipeline: Sharp): Promise<Buffer> {
  return pipeline.raw().toBuffer();
}

/** From the mean and the deviation of the colours, weighted by opacity; grey if nothing is visible. */
async function groundOf(rgba: Sharp): Promise<{ r: number; g: number; b: number }> {
  // A coarse copy is enough, and a single pixel would be too coarse: sharp premultiplies in 8 bit.
  const cells = await toRaw(rgba.resize(32, 32, { fit: 'fill' }));
  let weight = 0;
  const sums = [0, 0, 0];
  const squares = [0, 0, 0];
  for (let at = 0; at < cells.length; at += 4) {
    const opacity = cells.readUInt8(at + 3);
    weight += opacity;
    for (const [channel, value] of cells.subarray(at, at + 3).entries()) {
      sums[channel] = (sums[channel] ?? 0) + opacity * value;
      squares[channel] = (squares[channel] ?? 0) + opacity * value * value;
    }
  }
  if (weight === 0) return { r: 128, g: 128, b: 128 };
  const means = sums.map((sum) => sum / weight);
  const [r = 0, g = 0, b = 0] = means;
  const variances = squares.map((sum, channel) => sum / weight - (means[channel] ?? 0) ** 2);
  if (Math.max(...variances) >= flat ** 2) {
    return { r: Math.round(r), g: Math.round(g), b: Math.round(b) };
  }
  const ground = (r + g + b) / 3 < 128 ? 255 : 0;
  return { r: ground, g: ground, b: ground };
}

/** Compares in blocks, at memory speed. */
function isFilledWith(bytes: Buffer, value: number): boolean {
  const block = Buffer.alloc(Math.min(bytes.length, 65_536), value);
  for (let at = 0; at < bytes.length; at += block.length) {
    const part = bytes.subarray(at, at + block.length);
    if (!part.equals(block.subarray(0, part.length))) return false;
  }
  return true;
}
