import { setImmediate } from 'node:timers/promises';

/** Visited in one turn of the event loop: a millisecond. */
const chunkPixels = 2 ** 18;

/** Visits so many pixels, from start to end, with the event loop let in between. */
export async function inTurns(
  pixels: number,
  visit: (start: number, end: number) => void,
): Promise<void> {
  for (let start = 0; start < pixels; start += chunkPixels) {
    if (start > 0) await setImmediate();
    visit(start, Math.min(start + chunkPixels, pixels));
  }
}
