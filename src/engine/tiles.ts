/**
 * How a picture that is too large for one pass is cut up. All lengths are pixels of the canvas: the
 * picture with its reflected margin, sides a multiple of the stride. The canvas never exists as a
 * whole; tiles are copied out of the picture by index.
 */
import type { RgbImage, Size } from '../rgb-image.ts';

export interface Rectangle {
  readonly x0: number;
  readonly y0: number;
  /** Exclusive. */
  readonly x1: number;
  readonly y1: number;
}

/** `outer` is computed, `inner` is exact in it: further than the halo from every cut. */
export interface Tile {
  readonly outer: Rectangle;
  readonly inner: Rectangle;
}

/** The picture with `margin` on all sides and more on the right and below, up to the stride. */
export function canvasSize({ width, height }: Size, margin: number, stride: number): Size {
  const padded = (side: number) => Math.ceil((side + 2 * margin) / stride) * stride;
  return { width: padded(width), height: padded(height) };
}

/**
 * Tiles of one shape whose inner rectangles cover the canvas once. Where the canvas ends a tile
 * ends too, so that the networks' zero padding acts there as it does in a single pass; everything
 * is a multiple of the stride.
 * @param halo how far an exact pixel must stay from a cut, a multiple of the stride
 * @param tilePixels most pixels of a tile; its square root must exceed twice the halo
 */
export function planTiles(
  canvas: Size,
  halo: number,
  stride: number,
  tilePixels: number,
): readonly Tile[] {
  const down = (length: number) => Math.floor(length / stride) * stride;
  const side = down(Math.sqrt(tilePixels));
  const height = canvas.width < side ? down(tilePixels / canvas.width) : side;
  const width = canvas.height < side ? down(tilePixels / canvas.height) : side;
  const columns = cut(canvas.width, width, halo, stride);
  return cut(canvas.height, height, halo, stride).flatMap((row) =>
    columns.map((column) => ({
      outer: { x0: column.start, y0: row.start, x1: column.end, y1: row.end },
      inner: { x0: column.from, y0: row.from, x1: column.to, y1: row.to },
    })),
  );
}

/** Cuts a side into the fewest equal spans of at most `longest`, each exact from `from` to `to`. */
function cut(length: number, longest: number, halo: number, stride: number) {
  if (length <= longest) return [{ start: 0, end: length, from: 0, to: length }];
  const count = Math.ceil((length - 2 * halo) / (longest - 2 * halo));
  const step = Math.ceil((length - 2 * halo) / count / stride) * stride;
  const span = step + 2 * halo;
  return Array.from({ length: count }, (_, i) => {
    const start = Math.min(i * step, length - span);
    return {
      start,
      end: start + span,
      from: i === 0 ? 0 : i * step + halo,
      to: i === count - 1 ? length : start + span - halo,
    };
  });
}

/**
 * Copies a tile out of the canvas of `image`, reflecting at its edges without repeating them.
 * @returns uint8 [height, width, 3] of the tile
 */
export function copyTile(
  image: RgbImage,
  margin: number,
  { x0, y0, x1, y1 }: Rectangle,
): Uint8Array<ArrayBuffer> {
  const { width, height, data } = image;
  const tile = new Uint8Array(3 * (x1 - x0) * (y1 - y0));
  // Columns left..right of the canvas lie in the picture, the others mirror it.
  const left = Math.min(Math.max(x0, margin), x1);
  const right = Math.max(Math.min(x1, margin + width), left);
  for (let y = y0, row = 0; y < y1; y++, row += 3 * (x1 - x0)) {
    const source = 3 * width * reflect(y - margin, height);
    const inside = data.subarray(source + 3 * (left - margin), source + 3 * (right - margin));
    tile.set(inside, row + 3 * (left - x0));
    const mirror = (from: number, to: number) => {
      for (let x = from; x < to; x++) {
        const pixel = source + 3 * reflect(x - margin, width);
        tile.set(data.subarray(pixel, pixel + 3), row + 3 * (x - x0));
      }
    };
    mirror(x0, left);
    mirror(right, x1);
  }
  return tile;
}

/** −1 → 1, length → length − 2, and so on: there and back as often as it takes. */
function reflect(index: number, length: number): number {
  const last = length - 1;
  const period = 2 * last;
  const folded = ((index % period) + period) % period;
  return last - Math.abs(folded - last);
}
