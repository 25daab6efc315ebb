import { setImmediate } from 'node:timers/promises';

/** Visits 0..count in pieces of `each`, with the event loop let in between. */
export async function inTurns(
  count: number,
  each: number,
  visit: (start: number, end: number) => void,
): Promise<void> {
  for (let start = 0; start < count; start += each) {
    if (start > 0) await setImmediate();
    visit(start, Math.min(start + each, count));
  }
}
