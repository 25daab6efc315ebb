/**
 * How a picture that is too large for one pass is cut up. All lengths are pixels of the canvas; it
 * never exists as a whole, tiles are copied out of the picture by index.
 */
import type { Size } from '../rgb-image.ts';
import type { Rectangle } from './rectangle.ts';

/** `outer` is computed, `inner` is exact in it: further than the halo from every cut. */
export interface Tile {
  readonly outer: Rectangle;
  readonly inner: Rectangle;
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
