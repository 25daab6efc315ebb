import sharp, { type Sharp } from 'sharp';

import { ServiceError } from '../errors.ts';
import { inTurns } from '../in-turns.ts';
import type { RgbImage, Size } from '../rgb-image.ts';
import type { Timing } from './animation.ts';
import {
  type AnimationFormat,
  type PictureFormat,
  type ResultFormat,
  resultLimits,
} from './formats.ts';
import { encodeGif } from './gif.ts';
import { pool } from './pool.ts';

/**
 * Each format's settings, chosen for a service: where more effort begins to cost much time for few
 * bytes. Measured on painted pictures of 512×512 at quality 85, one thread of a 2-core machine.
 */
const encoders: Record<PictureFormat, (picture: Sharp, quality: number) => Sharp> = {
  // 1.3 ms, 49 KiB. Optimised Huffman tables take 3.1 ms for 2 % fewer bytes, and keep the whole
  // picture's coefficients in memory; mozjpeg takes 22 ms. Full chroma costs 16 % more bytes:
  // whoever asks for 90 or more wants edges between saturated colours clean.
  jpeg: (picture, quality) =>
    picture.jpeg({
      quality,
      chromaSubsampling: quality >= 90 ? '4:4:4' : '4:2:0',
      optimiseCoding: false,
    }),
  // 13 ms, 360 KiB. Level 6 takes 23 ms for 6 % fewer; without filters 595 KiB.
  png: (picture) => picture.png({ compressionLevel: 2, adaptiveFiltering: true }),
  // 11 ms, 35 KiB. Effort 0: 7 ms, 40 KiB; effort 4, the default: 24 ms, 34 KiB.
  webp: (picture, quality) => picture.webp({ quality, effort: 2 }),
  // 26 ms, 45 KiB. Effort 1: 78 ms for the same bytes; effort 4, the default: 1 s, 41 KiB.
  avif: (picture, quality) => picture.avif({ quality, effort: 0 }),
};

/** Whether a format can hold a picture so large. */
export function isEncodable({ width, height }: Size, format: ResultFormat): boolean {
  const { side, pixels } = resultLimits[format];
  return Math.max(width, height) <= side && width * height <= pixels;
}

/**
 * Throws `invalid_value` for `format` if its encoder cannot take a picture so large. Worth asking
 * before any work is put into the picture.
 */
export function assertEncodable(
  { width, height }: { width: number; height: number },
  format: ResultFormat,
): void {
  if (isEncodable({ width, height }, format)) return;
  const { side, pixels } = resultLimits[format];
  const bounds = pixels === Infinity ? `${side} a side` : `${side} a side and ${pixels} in all`;
  throw new ServiceError(
    'invalid_value',
    `A picture of ${width}×${height} pixels is too large for ${format}, which takes ${bounds}. Choose another format or a smaller size.`,
    { field: 'format' },
  );
}

/**
 * Compresses a result. `alpha` is its opacity, one byte a pixel; JPEG, which has none, is laid on
 * white. `quality`, 1 to 100, is the encoder's own scale; PNG is lossless and ignores it. Beside the
 * pixels only `xmp` is written: no EXIF, and no profile, since pictures without one are sRGB.
 *
 * The pixels are read in place and must not change until the promise settles. `run` is where it stands
 * in line for a thread.
 */
export async function encodePicture(
  image: RgbImage,
  alpha: Uint8Array | undefined,
  format: PictureFormat,
  quality: number,
  xmp?: string,
  run = pool.run,
): Promise<Buffer> {
  assertEncodable(image, format);
  let picture = fromRaw(image.data, image, 3);
  if (alpha !== undefined) {
    const { width, height } = image;
    picture.joinChannel(Buffer.from(alpha.buffer, alpha.byteOffset, alpha.byteLength), {
      raw: { width, height, channels: 1 },
    });
    if (format === 'jpeg') {
      // In a pass of its own: within one pipeline sharp flattens before it joins.
      const joined = picture.raw();
      const data = await run(() => joined.toBuffer());
      picture = fromRaw(data, image, 4).flatten({ background: 'white' });
    }
  }
  if (xmp !== undefined) picture.withXmp(xmp);
  const encoded = encoders[format](picture, quality);
  return run(() => encoded.toBuffer());
}

/**
 * Compresses an animation; the rest as for a picture. WebP of what has not changed between two frames
 * keeps the pixels that it has.
 * @param image of all frames, one below the other
 * @param alpha likewise
 */
export async function encodeAnimation(
  image: RgbImage,
  alpha: Uint8Array | undefined,
  timing: Timing,
  format: AnimationFormat,
  quality: number,
  xmp?: string,
): Promise<Buffer> {
  if (format === 'gif') return encodeGif(image, alpha, timing, xmp);
  const { delays, loop } = timing;
  const channels = alpha ? 4 : 3;
  const data = alpha ? await interleaved(image.data, alpha) : image.data;
  const raw = { ...sizeOf(image), channels, pageHeight: image.height / delays.length } as const;
  const picture = sharp(data, { raw, limitInputPixels: false });
  if (xmp !== undefined) picture.withXmp(xmp);
  const encoded = picture.webp({ quality, effort: 2, delay: [...delays], loop });
  return pool.run(() => encoded.toBuffer());
}

const sizeOf = ({ width, height }: Size): Size => ({ width, height });

/** RGB and opacity → RGBA. sharp joins no channels to animations. */
async function interleaved(rgb: Uint8Array, alpha: Uint8Array): Promise<Uint8Array> {
  const rgba = new Uint8Array(4 * alpha.length);
  await inTurns(alpha.length, chunkPixels, (start, end) => {
    for (let pixel = start, from = 3 * start, to = 4 * start; pixel < end; pixel++) {
      rgba[to++] = rgb[from++] as number;
      rgba[to++] = rgb[from++] as number;
      rgba[to++] = rgb[from++] as number;
      rgba[to++] = alpha[pixel] as number;
    }
  });
  return rgba;
}

/** Put together in one turn of the event loop: a millisecond. */
const chunkPixels = 2 ** 18;

function fromRaw(
  data: Uint8Array,
  { width, height }: { width: number; height: number },
  channels: 3 | 4,
): Sharp {
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
}
