import sharp from 'sharp';

import type { RgbImage, Size } from '../rgb-image.ts';
import { pool } from './pool.ts';

/**
 * Made in one go, and looked at in one turn of the event loop: what sharp makes cannot be handed on to a
 * worker (`ownPixels` says why), and whole it would be in memory twice.
 */
const bandPixels = 2 ** 18;

/** Rows of a picture, from `top`, and their RGB pixels. */
interface Band {
  readonly top: number;
  readonly rows: number;
  readonly pixels: Buffer;
}

/** The picture in another size (Lanczos, three lobes), stretched where the shape differs, in bands. */
async function* resizeInBands(
  image: RgbImage,
  { width, height }: Size,
  signal: AbortSignal | undefined,
): AsyncGenerator<Band, void, undefined> {
  const raw = { width: image.width, height: image.height, channels: 3 } as const;
  const most = Math.ceil(bandPixels / width);
  for (let top = 0; top < height; top += most) {
    const rows = Math.min(most, height - top);
    const band = sharp(image.data, { raw, limitInputPixels: false })
      .resize(width, height, { fit: 'fill', kernel: 'lanczos3' })
      .extract({ left: 0, top, width, height: rows })
      .raw();
    yield { top, rows, pixels: await pool.run(() => band.toBuffer(), signal) };
  }
}

/** The picture in another size. Rejects with the signal's reason if that fires before its end. */
export async function resizePixels(
  image: RgbImage,
  size: Size,
  signal?: AbortSignal,
): Promise<RgbImage> {
  const { width, height } = size;
  const data = new Uint8Array(3 * width * height);
  for await (const { top, pixels } of resizeInBands(image, size, signal)) {
    data.set(pixels, 3 * width * top);
  }
  return { width, height, data };
}

/**
 * Gives a picture, in place, a share of the details that another of its size has lost by scaling:
 * image + share · (sharp − small, enlarged), rounded and clamped to 0..255. Rejects as `resizePixels`.
 * @param share of the pixel in a row and a column, 0 to 1
 */
export async function addDetails(
  image: RgbImage,
  { data: sharp }: RgbImage,
  small: RgbImage,
  share: (row: number, column: number) => number,
  signal?: AbortSignal,
): Promise<void> {
  const { width } = image;
  const clamped = new Uint8ClampedArray(image.data.buffer);
  for await (const { top, rows, pixels } of resizeInBands(small, image, signal)) {
    for (let row = 0, from = 0, i = 3 * width * top; row < rows; row++) {
      for (let column = 0; column < width; column++) {
        const rest = share(top + row, column);
        for (let channel = 0; channel < 3; channel++, i++, from++) {
          const detail = (sharp[i] as number) - (pixels[from] as number);
          clamped[i] = (clamped[i] as number) + rest * detail;
        }
      }
    }
  }
}
