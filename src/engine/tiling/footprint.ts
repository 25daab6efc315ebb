/**
 * What inference on a CPU takes of memory, measured with the networks that ship: the resident size
 * when ready, and after whole pictures and tiles of the largest size, in one style and in several by
 * place, styles and both kinds of run (src/DECISIONS.md). Every session keeps the memory of its
 * largest run.
 */
const mebibyte = 2 ** 20;

/** Pixels of the largest tile, and pictures side by side. */
export interface Shape {
  readonly tilePixels: number;
  readonly batch: number;
}

/** Bytes that the process holds when nothing is asked of it yet, Node and all workers included. */
const idleBytes = (batch: number) => (batch > 1 ? 680 : 320) * mebibyte;

/** Bytes a pixel of a tile by which it grows: two side by side hold half a tile each. */
const growth = (batch: number) => (batch > 1 ? 1250 : 900);

/** The most that the process holds beside pictures and forms, in bytes. */
export function footprint({ tilePixels, batch }: Shape): number {
  return idleBytes(batch) + growth(batch) * tilePixels;
}

/** The share of the memory that inference may take; the rest is for pictures. */
const mostForInference = 0.64;

/**
 * Of these batches and tiles, both from the most wanted to the least, the first pair that leaves room
 * for pictures in a process of so many bytes; the last, if none does.
 */
export function shapeFor(
  memoryBytes: number,
  batches: readonly number[],
  tiles: readonly number[],
): Shape {
  const shapes = batches.flatMap((batch) => tiles.map((tilePixels) => ({ tilePixels, batch })));
  const fits = shapes.find((shape) => footprint(shape) <= mostForInference * memoryBytes);
  return fits ?? (shapes.at(-1) as Shape);
}
