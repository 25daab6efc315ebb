import { decodePixels, scaleTo } from './decode.ts';
import { encodePicture } from './encode.ts';
import { decodeBytes, encodeBytes, pixelBytes } from './memory.ts';
import { pool } from './pool.ts';
import { inspect } from './source.ts';

/** In pixels. */
const longestSide = 256;

/** A thumbnail that can be made, once it is known what it takes. */
export interface Thumbnail {
  /** What making it takes at most beside the file, in bytes. */
  readonly workBytes: number;
  readonly make: () => Promise<Buffer>;
}

/**
 * A small WebP (about 10 KB) of a style's picture, for galleries, decoded as every other picture;
 * never scaled up; made before all uploads that wait. For pictures that the catalog has accepted.
 * Rejects as the catalog does.
 */
export async function thumbnail(bytes: Buffer): Promise<Buffer> {
  return (await openThumbnail(bytes)).make();
}

/** The same in two steps, of which this reads the header. */
export async function openThumbnail(bytes: Buffer): Promise<Thumbnail> {
  const field = 'id';
  const source = await inspect(bytes, field, Infinity);
  const target = scaleTo(source, Math.min(longestSide, Math.max(source.width, source.height)));
  const encoding = pixelBytes(source, target) + encodeBytes('webp', target, source.hasAlpha);
  return {
    workBytes: Math.max(decodeBytes(source, target), encoding),
    async make() {
      const { image, alpha } = await decodePixels(source, target, field, { run: pool.runNext });
      return encodePicture(image, alpha, 'webp', 80, undefined, pool.runNext);
    },
  };
}
