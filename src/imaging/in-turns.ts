import { setImmediate } from 'node:timers/promises';

/**
 * Visits so many pixels, from start to end, with the event loop let in between.
 * @param chunkPixels visited in one turn: of what takes 4 ns a pixel, a millisecond
 */
export async function inTurns(
  pixels: number,
  visit: (start: number, end: number) => void,
  chunkPixels = 2 ** 18,
): Promise<void> {
  for (let start = 0; start < pixels; start += chunkPixels) {
    if (start > 0) await setImmediate();
    visit(start, Math.min(start + chunkPixels, pixels));
  }
}
