import sharp from 'sharp';

import { inTurns } from '../in-turns.ts';
import type { Size } from '../rgb-image.ts';
import { type DecodeMemory, decodeWhole } from './decode.ts';
import { maskBytes } from './memory.ts';
import { pool } from './pool.ts';
import { inspect, type Source, timeoutSeconds } from './source.ts';

/** A grey picture that says where to paint, known by its header. */
export interface Mask extends DecodeMemory {
  /**
   * Stretched over the size that it was opened for: one byte a pixel, 0 black to 255 white, rows top to
   * bottom. Rejects as `Content.decode` does.
   */
  decode(signal?: AbortSignal): Promise<Uint8Array>;
}

/**
 * Reads the header of a mask for a picture of this size. Its greys are its opacity where it has any
 * that is not whole, else the luminance of its colours; EXIF orientation is applied.
 *
 * Rejects with a ServiceError: `unsupported_media_type`, `undecodable_image`, `too_complex_image`,
 * `too_many_pixels`.
 */
export async function openMask(
  bytes: Buffer,
  { width, height }: Size,
  { maxPixels, field }: { readonly maxPixels: number; readonly field: string },
): Promise<Mask> {
  const source = await inspect(bytes, field, maxPixels);
  const isSame = source.width === width && source.height === height;
  const target = isSame ? source : { width, height };
  const decode = (band: Band, signal: AbortSignal | undefined) =>
    decodeBand(source, target, field, band, signal);
  return {
    decodeBytes: maskBytes(source, target),
    heldBytes: width * height,
    async decode(signal) {
      if (source.hasAlpha) {
        const opacity = await decode('opacity', signal);
        if (!(await isWhite(opacity))) return opacity;
      }
      return decode('luminance', signal);
    },
  };
}

type Band = 'opacity' | 'luminance';

async function decodeBand(
  source: Source,
  target: Size,
  field: string,
  band: Band,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const limitInputPixels = source.width * source.height;
  const decoding = () =>
    decodeWhole(source, field, (file, failOn) => {
      const pipeline = sharp(file, { autoOrient: true, failOn, limitInputPixels });
      // The one kernel that makes no ripples beside an edge: black stays black.
      if (target !== source) {
        pipeline.resize(target.width, target.height, { fit: 'fill', kernel: 'linear' });
      }
      if (band === 'opacity') pipeline.extractChannel('alpha');
      pipeline.toColourspace('b-w').timeout({ seconds: timeoutSeconds }).raw({ depth: 'uchar' });
      return pipeline.toBuffer();
    });
  return pool.run(decoding, signal);
}

/** Compared in one turn of the event loop: some tenths of a millisecond. */
const chunkBytes = 2 ** 20;
const white = Buffer.alloc(chunkBytes, 255);

async function isWhite(greys: Buffer): Promise<boolean> {
  let so = true;
  await inTurns(greys.length, chunkBytes, (start, end) => {
    so &&= greys.subarray(start, end).equals(white.subarray(0, end - start));
  });
  return so;
}
