/**
 * The canvas: what the networks see of a picture. It has the picture at (margin, margin) and its
 * mirror image around, on the right and below up to a multiple of the stride or to a given side. It
 * is padded here and nowhere else (src/DECISIONS.md).
 */
import type { RgbImage, Size } from '../../rgb-image.ts';
import { rectangleAt } from './rectangle.ts';
import type { Rectangle } from './rectangle.ts';

/** Lengths in pixels; `margin` is a multiple of `stride`. */
export interface Padding {
  readonly margin: number;
  readonly stride: number;
  /** Ascending: canvases are squares with one of these sides, those for tiles have larger ones. */
  readonly sides?: readonly number[];
}

export function canvasSize({ width, height }: Size, { margin, stride, sides }: Padding): Size {
  const padded = (side: number) => Math.ceil((side + 2 * margin) / stride) * stride;
  const canvas = { width: padded(width), height: padded(height) };
  if (!sides) return canvas;
  const longest = Math.max(canvas.width, canvas.height);
  const side = sides.find((side) => side >= longest);
  if (side) return { width: side, height: side };
  const least = largestSide(sides);
  return { width: Math.max(canvas.width, least), height: Math.max(canvas.height, least) };
}

export function largestSide(sides: readonly number[]): number {
  return Math.max(...sides);
}

/** Where the picture lies on its canvas. */
export function pictureOnCanvas(size: Size, { margin }: Padding): Rectangle {
  return rectangleAt(margin, margin, size);
}

/**
 * The features that lie on the picture, in steps of the stride. Statistics are taken of them alone:
 * those of the margin would count the borders twice.
 */
export function featuresOfPicture({ width, height }: Size, { margin, stride }: Padding): Rectangle {
  const first = margin / stride;
  const size = { width: Math.ceil(width / stride), height: Math.ceil(height / stride) };
  return rectangleAt(first, first, size);
}

/**
 * Copies a rectangle of the canvas of `image`, reflecting at the picture's edges without repeating
 * them, as often as it takes.
 * @param image with sides of at least 2
 * @param into uint8 [height, width, 3] of the rectangle
 */
export function copyCanvas(
  image: RgbImage,
  margin: number,
  { x0, y0, x1, y1 }: Rectangle,
  into: Uint8Array<ArrayBuffer>,
): void {
  const { width, height, data } = image;
  // Columns left..right of the canvas lie in the picture, the others mirror it.
  const left = Math.min(Math.max(x0, margin), x1);
  const right = Math.max(Math.min(x1, margin + width), left);
  const mirrored = [...range(x0, left), ...range(right, x1)];
  const targets = Int32Array.from(mirrored, (x) => 3 * (x - x0));
  const sources = Int32Array.from(mirrored, (x) => 3 * reflect(x - margin, width));
  const length = 3 * (x1 - x0);
  /** Where each row of the picture has been copied to: its mirror images are alike. */
  const copied = new Int32Array(height).fill(-1);
  for (let y = y0, row = 0; y < y1; y++, row += length) {
    const source = reflect(y - margin, height);
    const twin = copied[source] as number;
    if (twin >= 0) {
      into.copyWithin(row, twin, twin + length);
      continue;
    }
    copied[source] = row;
    const line = 3 * width * source;
    const inside = data.subarray(line + 3 * (left - margin), line + 3 * (right - margin));
    into.set(inside, row + 3 * (left - x0));
    for (let i = 0; i < targets.length; i++) {
      const at = row + (targets[i] as number);
      const pixel = line + (sources[i] as number);
      into[at] = data[pixel] as number;
      into[at + 1] = data[pixel + 1] as number;
      into[at + 2] = data[pixel + 2] as number;
    }
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** −1 → 1, length → length − 2, and so on: there and back as often as it takes. */
function reflect(index: number, length: number): number {
  const last = length - 1;
  const period = 2 * last;
  const folded = ((index % period) + period) % period;
  return last - Math.abs(folded - last);
}
