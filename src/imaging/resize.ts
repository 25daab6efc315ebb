import sharp from 'sharp';

import { inTurns } from '../in-turns.ts';
import type { RgbImage, Size } from '../rgb-image.ts';
import { pool } from './pool.ts';

/** Made in one go: what sharp makes cannot be handed on to a worker, and is copied (`ownPixels`). */
const bandPixels = 2 ** 20;

/**
 * The picture in another size (Lanczos, three lobes), stretched where the shape differs. Rejects with
 * the signal's reason if that fires before its end.
 */
export async function resizePixels(
  image: RgbImage,
  { width, height }: Size,
  signal?: AbortSignal,
): Promise<RgbImage> {
  const raw = { width: image.width, height: image.height, channels: 3 } as const;
  const data = new Uint8Array(3 * width * height);
  const rows = Math.ceil(bandPixels / width);
  for (let top = 0; top < height; top += rows) {
    const band = sharp(image.data, { raw, limitInputPixels: false })
      .resize(width, height, { fit: 'fill', kernel: 'lanczos3' })
      .extract({ left: 0, top, width, height: Math.min(rows, height - top) })
      .raw();
    data.set(await pool.run(() => band.toBuffer(), signal), 3 * top * width);
  }
  return { width, height, data };
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
