/**
 * Shares of styles by place, float32 [K, h, w] over a picture's features, seen on its canvas: beyond
 * the picture's edges they are mirrored like its pixels.
 */
import type { RgbImage } from '../../rgb-image.ts';
import { featuresOfPicture } from '../tiling/canvas.ts';
import type { Padding } from '../tiling/canvas.ts';
import { sizeOf } from '../tiling/rectangle.ts';
import type { Rectangle } from '../tiling/rectangle.ts';

/** A picture that is painted in several styles by place. */
export interface Shared {
  readonly image: RgbImage;
  readonly alpha: number;
  readonly shares: Float32Array;
}

/**
 * The shares of a rectangle of the canvas, times alpha.
 * @param rectangle in steps of the stride
 * @returns float32 [K, its height, its width]
 */
export function canvasShares(
  { image, alpha, shares }: Shared,
  padding: Padding,
  rectangle: Rectangle,
): Float32Array<ArrayBuffer> {
  const { x0, y0, x1, y1 } = featuresOfPicture(image, padding);
  const [width, height] = [x1 - x0, y1 - y0];
  const styles = shares.length / (width * height);
  const columns = mirrored(rectangle.x0 - x0, rectangle.x1 - x0, width);
  const rows = mirrored(rectangle.y0 - y0, rectangle.y1 - y0, height);
  const result = new Float32Array(styles * columns.length * rows.length);
  let at = 0;
  for (let style = 0; style < styles; style++) {
    for (const row of rows) {
      const line = (style * height + row) * width;
      for (const column of columns) result[at++] = alpha * (shares[line + column] as number);
    }
  }
  return result;
}

/** How much of all styles together, of a rectangle of the canvas: float32 [its height, its width]. */
export function canvasStrength(
  input: Shared,
  padding: Padding,
  rectangle: Rectangle,
): Float32Array<ArrayBuffer> {
  const shares = canvasShares(input, padding, rectangle);
  const { width, height } = sizeOf(rectangle);
  const strength = shares.slice(0, width * height);
  for (let i = strength.length; i < shares.length; i++) {
    const place = i % strength.length;
    strength[place] = (strength[place] as number) + (shares[i] as number);
  }
  return strength;
}

/** Places from..to of a line of so many, which is mirrored at its ends as often as it takes. */
function mirrored(from: number, to: number, length: number): Int32Array {
  const period = 2 * length;
  return Int32Array.from({ length: to - from }, (_, i) => {
    const place = (((from + i) % period) + period) % period;
    return Math.min(place, period - 1 - place);
  });
}
