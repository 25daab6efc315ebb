import { setImmediate } from 'node:timers/promises';

/** Copied in one turn of the event loop: about a millisecond, page faults included. */
const chunkBytes = 4 * 1024 * 1024;

/**
 * Copies sharp's output into memory that the runtime owns, so that it can be transferred to a
 * worker: the bytes lie outside the JavaScript heap in an ArrayBuffer that Node marks as not
 * transferable (Node 20 then clones it in silence, later versions throw). Large pictures are
 * copied in chunks with the event loop let in between; sharp's own copy, `toUint8Array()`, held
 * the HTTP thread for a quarter of a second and more at 100 megapixels. The price: pixels lie in
 * memory twice until the next garbage collection.
 */
export async function ownPixels(pixels: Buffer): Promise<Uint8Array<ArrayBuffer>> {
  const own = new Uint8Array(pixels.length);
  for (let start = 0; start < pixels.length; start += chunkBytes) {
    if (start > 0) await setImmediate();
    own.set(pixels.subarray(start, start + chunkBytes), start);
  }
  return own;
}
