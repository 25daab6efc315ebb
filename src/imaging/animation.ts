/** Animations: all of their frames at once, one below the other in a picture as wide as one of them. */
import sharp from 'sharp';

import { ServiceError } from '../errors.ts';
import type { RgbImage } from '../rgb-image.ts';
import { pool } from './pool.ts';
import { type Source, undecodable } from './source.ts';

/** How an animation runs. */
export interface Timing {
  /** Milliseconds for which each frame is shown. */
  readonly delays: readonly number[];
  /** How often all of it is shown; 0 for ever. */
  readonly loop: number;
}

export interface AnimationLimits {
  readonly maxFrames: number;
  /** Of all frames together. */
  readonly maxPixels: number;
  readonly field: string;
}

/** What a client does who cannot have all frames. */
const remedy = 'or ask for the first frame alone (frames=first)';

/**
 * Makes sure that all frames of a picture can be painted, whose header was inspected.
 * @throws ServiceError `invalid_value` for `frames` where they cannot be read, `too_complex_image`,
 * `too_many_pixels`
 */
export function assertAnimation(source: Source, { maxFrames, maxPixels, field }: AnimationLimits) {
  const { format, frames, isSequence, isTurned, width, height } = source;
  if (isSequence) {
    const text = `Of an animated ${format.toUpperCase()} the first frame alone can be read. Send the animation as WebP or GIF, ${remedy}.`;
    throw new ServiceError('invalid_value', text, { field: 'frames' });
  }
  if (frames === 1) return;
  if (isTurned) {
    const text = `The animation lies on its side, and EXIF wants it turned. Save it upright, ${remedy}.`;
    throw new ServiceError('invalid_value', text, { field: 'frames' });
  }
  if (frames > maxFrames) {
    const text = `The animation has ${frames} frames; at most ${maxFrames} are painted. Send fewer, ${remedy}.`;
    throw new ServiceError('too_complex_image', text, { field });
  }
  if (source.tableBytes(frames) === Infinity) {
    const text = `The frames of the lossless WebP are cut into more blocks than can be counted. Send fewer, ${remedy}.`;
    throw new ServiceError('too_complex_image', text, { field });
  }
  const pixels = frames * width * height;
  if (pixels > maxPixels) {
    const text = `The ${frames} frames of ${width}×${height} have ${pixels} pixels together; at most ${maxPixels} are taken. Send smaller ones or fewer, ${remedy}.`;
    throw new ServiceError('too_many_pixels', text, { field });
  }
}

/** Rejects with a ServiceError, `undecodable_image`, also where the frames are not those that were counted. */
export async function readTiming({ format, file, frames }: Source, field: string): Promise<Timing> {
  const picture = sharp(file(), { animated: true, failOn: 'error', limitInputPixels: false });
  const header = await pool
    .runShort(() => picture.metadata())
    .catch((cause: unknown) => {
      throw undecodable(format, field, cause);
    });
  const { pages, delay = [], loop = 0 } = header;
  if (pages !== frames) throw undecodable(format, field, undefined);
  return { delays: Array.from({ length: frames }, (_, i) => delay[i] ?? 100), loop };
}

/** The frames of such a picture, in its memory. */
export function framesOf({ width, height, data }: RgbImage, count: number): RgbImage[] {
  const length = data.length / count;
  return Array.from({ length: count }, (_, i) => ({
    ...{ width, height: height / count },
    data: data.subarray(i * length, (i + 1) * length),
  }));
}
