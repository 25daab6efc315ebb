/**
 * Grain: faint, soft noise that a content gets before the networks see it. All of a flat area looks
 * alike to networks of stride 8, so that strokes could begin only where their own 8 × 8 blocks do;
 * grain is what they begin at instead (src/DECISIONS.md).
 *
 * It depends on the position in the picture alone, so tiles and canvases of every size get the same,
 * and is computed in integers, so that training (models/training/networks/grain.py) has the very same.
 */
import type { Rectangle } from '../tiling/rectangle.ts';

/** Pixels after which it repeats, either way; a power of two. */
const period = 1024;
/** Blurred by a mean of `box` pixels so often, either way: nearly a Gaussian of 3.5 pixels. */
const [box, passes] = [7, 3];
/** The field's standard deviation. */
const unit = 32;

let field: Int8Array | undefined;

/**
 * Adds grain to pixels, in place, clamped to 0..255.
 * @param pixels uint8 [height, width, 3] of the rectangle
 * @param rectangle where they lie, as seen from the picture's corner
 * @param levels the grain's standard deviation, of 255
 */
export function addGrain(
  pixels: Uint8Array<ArrayBuffer>,
  { x0, y0, x1, y1 }: Rectangle,
  levels: number,
): void {
  if (levels === 0) return;
  field ??= makeField();
  const amounts = Int16Array.from({ length: 256 }, (_, i) =>
    Math.round(((i - 128) * levels) / unit),
  );
  const clamped = new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.length);
  for (let y = y0, at = 0; y < y1; y++) {
    // Of a negative number, too, & gives the remainder that is not negative.
    const row = (y & (period - 1)) * period;
    for (let x = x0; x < x1; x++, at += 3) {
      const amount = amounts[(field[row + (x & (period - 1))] as number) + 128] as number;
      clamped[at] = (clamped[at] as number) + amount;
      clamped[at + 1] = (clamped[at + 1] as number) + amount;
      clamped[at + 2] = (clamped[at + 2] as number) + amount;
    }
  }
}

/**
 * The same where the levels differ by place.
 * @param rectangle cut at multiples of `step` only
 * @param levels of each step × step pixels of the rectangle, row by row
 */
export function addGrainByPlace(
  pixels: Uint8Array<ArrayBuffer>,
  { x0, y0, x1, y1 }: Rectangle,
  step: number,
  levels: Float64Array,
): void {
  field ??= makeField();
  const clamped = new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.length);
  const columns = (x1 - x0) / step;
  for (let y = y0, at = 0; y < y1; y++) {
    const row = (y & (period - 1)) * period;
    const line = Math.floor((y - y0) / step) * columns;
    for (let x = x0; x < x1; x++, at += 3) {
      const level = levels[line + Math.floor((x - x0) / step)] as number;
      const amount = Math.round(((field[row + (x & (period - 1))] as number) * level) / unit);
      clamped[at] = (clamped[at] as number) + amount;
      clamped[at + 1] = (clamped[at + 1] as number) + amount;
      clamped[at + 2] = (clamped[at + 2] as number) + amount;
    }
  }
}

/** int8 [period, period]: blurred white noise. */
export function makeField(): Int8Array {
  // Every thread does this as it starts, and `from` would take twice as long.
  let sums = new Int32Array(period ** 2).map((_, i) => 2 * (hash(i) >>> 24) - 255);
  let kernel = [1];
  for (let pass = 0; pass < passes; pass++) {
    sums = blur(blur(sums, 1, period), period, 1);
    kernel = widen(kernel);
  }
  // Of the odd numbers from −255 to 255, each as likely, the variance is (256² − 1) / 3.
  const weights = kernel.reduce((sum, weight) => sum + weight ** 2, 0);
  const scale = unit / (Math.sqrt((256 ** 2 - 1) / 3) * weights);
  return new Int8Array(sums.map((sum) => Math.min(Math.max(Math.round(sum * scale), -128), 127)));
}

/** Sums over `box` neighbours, around the edge, in lines whose numbers lie `step` apart. */
function blur(from: Int32Array<ArrayBuffer>, step: number, nextLine: number) {
  const into = new Int32Array(from.length);
  for (let line = 0, start = 0; line < period; line++, start += nextLine) {
    const at = (place: number) => start + step * (place & (period - 1));
    let sum = 0;
    for (let place = 0; place < box; place++) sum += from[at(place)] as number;
    for (let place = 0; place < period; place++) {
      into[at(place)] = sum;
      sum += (from[at(place + box)] as number) - (from[at(place)] as number);
    }
  }
  return into;
}

/** The weights of one more mean behind those of some. */
function widen(kernel: readonly number[]): number[] {
  return Array.from({ length: kernel.length + box - 1 }, (_, i) =>
    kernel.slice(Math.max(0, i - box + 1), i + 1).reduce((sum, weight) => sum + weight, 0),
  );
}

/** uint32 → uint32, each bit of which depends on all bits of the index (Wellons, lowbias32). */
function hash(index: number): number {
  let x = index ^ (index >>> 16);
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
