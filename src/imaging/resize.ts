import sharp from 'sharp';

import type { RgbImage, Size } from '../rgb-image.ts';
import { inTurns } from './in-turns.ts';
import { ownPixels } from './pixels.ts';
import { pool } from './pool.ts';

/** The picture in another size (Lanczos, three lobes), stretched where the shape differs. */
export async function resizePixels(image: RgbImage, { width, height }: Size): Promise<RgbImage> {
  const raw = { width: image.width, height: image.height, channels: 3 } as const;
  const scaled = sharp(image.data, { raw, limitInputPixels: false })
    .resize(width, height, { fit: 'fill', kernel: 'lanczos3' })
    .raw();
  return { width, height, data: await ownPixels(await pool.run(() => scaled.toBuffer())) };
}

/** The same picture where it has the size already. */
export async function inSize(image: RgbImage, size: Size): Promise<RgbImage> {
  const isInSize = image.width === size.width && image.height === size.height;
  return isInSize ? image : resizePixels(image, size);
}

/**
 * Gives a picture, in place, a share of the details that another has lost by scaling:
 * image + share · (sharp − blurred), rounded and clamped to 0..255.
 */
export async function addDetails(
  image: RgbImage,
  { data: sharp }: RgbImage,
  { data: blurred }: RgbImage,
  share: number,
): Promise<void> {
  const clamped = new Uint8ClampedArray(image.data.buffer);
  await inTurns(clamped.length, (start, end) => {
    for (let i = start; i < end; i++) {
      const detail = (sharp[i] as number) - (blurred[i] as number);
      clamped[i] = (clamped[i] as number) + share * detail;
    }
  });
}
