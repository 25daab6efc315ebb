import { createHash } from 'node:crypto';

import type { RgbImage } from '../rgb-image.ts';

/**
 * The sha256, in hex, of width and height (uint32, big endian) and the pixels: equal for equal
 * pictures, however they were compressed. Hashes on the calling thread, about 1 ms for 512×512.
 */
export function pixelDigest({ width, height, data }: RgbImage): string {
  const size = Buffer.alloc(8);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  return createHash('sha256').update(size).update(data).digest('hex');
}
