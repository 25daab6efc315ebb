import { decodePixels, scaleTo } from './decode.ts';
import { encodePicture } from './encode.ts';
import { pool } from './pool.ts';
import { inspect } from './source.ts';

/** In pixels. */
const longestSide = 256;

/**
 * A small WebP (about 10 KB) of a style's picture, for galleries, decoded as every other picture;
 * never scaled up; made before all uploads that wait. For pictures that the catalog has accepted.
 * Rejects as the catalog does.
 */
export async function thumbnail(bytes: Buffer): Promise<Buffer> {
  const field = 'id';
  const source = await inspect(bytes, field, Infinity);
  const target = scaleTo(source, Math.min(longestSide, Math.max(source.width, source.height)));
  const { image, alpha } = await decodePixels(source, target, field, { run: pool.runNext });
  return encodePicture(image, alpha, 'webp', 80, undefined, pool.runNext);
}
