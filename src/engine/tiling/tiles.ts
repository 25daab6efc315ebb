/**
 * How a picture that is too large for one pass is cut up. All lengths are pixels of the canvas; it
 * never exists as a whole, tiles are copied out of the picture by index.
 */
import type { Size } from '../../rgb-image.ts';
import type { Rectangle } from './rectangle.ts';

/** `outer` is computed, `inner` is exact in it: further than the halo from every cut. */
export interface Tile {
  readonly outer: Rectangle;
  readonly inner: Rectangle;
}

/**
 * Tiles of one size whose inner rectangles cover the canvas once. Where the canvas ends a tile ends
 * too, so that the networks' padding acts there as it does in a single pass.
 * @param tile no larger than the canvas; a side that cuts it is longer than twice the halo
 * @param halo how far an exact pixel must stay from a cut; like all lengths a multiple of the stride
 */
export function planTiles(canvas: Size, tile: Size, halo: number): readonly Tile[] {
  const columns = cut(canvas.width, tile.width, halo);
  return cut(canvas.height, tile.height, halo).flatMap((row) =>
    columns.map((column) => ({
      outer: { x0: column.start, y0: row.start, x1: column.end, y1: row.end },
      inner: { x0: column.from, y0: row.from, x1: column.to, y1: row.to },
    })),
  );
}

/** The smallest tile that covers the canvas as often as one of `tilePixels` must. */
export function tileSize(canvas: Size, halo: number, stride: number, tilePixels: number): Size {
  const down = (length: number) => Math.floor(length / stride) * stride;
  const side = down(Math.sqrt(tilePixels));
  const height = canvas.width < side ? down(tilePixels / canvas.width) : side;
  const width = canvas.height < side ? down(tilePixels / canvas.height) : side;
  const even = (length: number, longest: number) => {
    if (length <= longest) return length;
    const step = (length - 2 * halo) / countOf(length, longest, halo);
    return Math.ceil(step / stride) * stride + 2 * halo;
  };
  return { width: even(canvas.width, width), height: even(canvas.height, height) };
}

/** How many spans with halos at both ends cover a side. */
function countOf(length: number, span: number, halo: number): number {
  return length === span ? 1 : Math.ceil((length - 2 * halo) / (span - 2 * halo));
}

/** Cuts a side into the fewest spans, each exact from `from` to `to`. */
function cut(length: number, span: number, halo: number) {
  const count = countOf(length, span, halo);
  const step = span - 2 * halo;
  return Array.from({ length: count }, (_, i) => {
    const start = Math.min(i * step, length - span);
    return {
      start,
      end: start + span,
      from: i === 0 ? 0 : i * step + halo,
      to: i === count - 1 ? length : (i + 1) * step + halo,
    };
  });
}
