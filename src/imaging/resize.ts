import sharp from 'sharp';

import { inTurns } from '../in-turns.ts';
import type { RgbImage, Size } from '../rgb-image.ts';
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

/** Looked at in one turn of the event loop: a millisecond. */
const chunkPixels = 2 ** 18;

/**
 * Gives a picture, in place, a share of the details that another has lost by scaling:
 * image + share · (sharp − blurred), rounded and clamped to 0..255.
 * @param share of the pixel in a row and a column, 0 to 1
 */
export async function addDetails(
  image: RgbImage,
  { data: sharp }: RgbImage,
  { data: blurred }: RgbImage,
  share: (row: number, column: number) => number,
): Promise<void> {
  const { width, height } = image;
  const clamped = new Uint8ClampedArray(image.data.buffer);
  await inTurns(height, Math.ceil(chunkPixels / width), (start, end) => {
    for (let row = start, i = 3 * start * width; row < end; row++) {
      for (let column = 0; column < width; column++) {
        const rest = share(row, column);
        for (let band = 0; band < 3; band++, i++) {
          const detail = (sharp[i] as number) - (blurred[i] as number);
          clamped[i] = (clamped[i] as number) + rest * detail;
        }
      }
    }
  });
}
