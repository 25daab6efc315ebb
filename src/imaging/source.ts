import sharp, { type Metadata } from 'sharp';

import { ServiceError } from '../errors.ts';
import type { Size } from '../rgb-image.ts';
import type { Encoding } from './color/encoding.ts';
import { profileSpace, readProfile } from './color/profile.ts';
import { describeForeign } from './foreign.ts';
import { type InputFormat, inputPixels, sniffFormat } from './formats.ts';
import { pool } from './pool.ts';
import { readStructure, type Structure } from './structure/index.ts';
import { assertFits, assertModest } from './structure/limits.ts';

/** One picture may keep a thread of the pool for this long. 100 megapixels of JPEG take 1 s. */
export const timeoutSeconds = 30;

/** What a picture's header says; width and height are those of the upright picture. */
export interface Source extends Size {
  readonly format: InputFormat;
  /** Of the picture sent, opacity included; 1 to 4. */
  readonly channels: number;
  /** Bytes of one sample, once decoded: 1 or 2. */
  readonly sampleBytes: 1 | 2;
  readonly hasAlpha: boolean;
  /** A JPEG of several scans, an interlaced PNG: decoded as a whole, not row by row. */
  readonly isProgressive: boolean;
  readonly isAnimated: boolean;
  /** How many pictures it has that are decoded as an animation; 1 for a still one. */
  readonly frames: number;
  /** An animation of which one frame alone is read. */
  readonly isSequence: boolean;
  /** Of profiles, EXIF, text and the like, in bytes. */
  readonly metadataBytes: number;
  /** As its structure has it. */
  readonly tableBytes: Structure['tableBytes'];
  /** EXIF wants it turned or mirrored. */
  readonly isTurned: boolean;
  /** Of its samples, where they are not sRGB and sharp does not make it of them. */
  readonly encoding: Encoding | undefined;
  /** Its colours were multiplied by their opacity, which sharp leaves so. */
  readonly isPremultiplied: boolean;
  /** RGB of 16 bits a channel with a profile that is left to sharp. */
  readonly isWideRgb: boolean;
  /** In bytes, of the file that `file` makes; 0 where it is the one that was sent. */
  readonly mendedBytes: number;
  /** What decoders are given. Made anew with each call: hold it no longer than a decode takes. */
  readonly file: () => Buffer;
}

/**
 * Reads structure and header only, so that no pixel is decoded before the picture is known to be
 * within its limits. Rejects with a ServiceError for `field`: `unsupported_media_type`,
 * `undecodable_image`, `too_complex_image`, `too_many_pixels`.
 */
export async function inspect(bytes: Buffer, field: string, maxPixels: number): Promise<Source> {
  const format = sniffFormat(bytes);
  if (format === undefined) {
    throw new ServiceError('unsupported_media_type', describeForeign(bytes), { field });
  }
  const structure = readStructure(bytes, format);
  assertModest(structure, field);
  // Without sharp's own limit, for a message that can name both numbers.
  const file = structure.mended ?? (() => bytes);
  const picture = sharp(file(), { failOn: 'error', limitInputPixels: false });
  const header = await pool
    .runShort(() => picture.metadata())
    .catch((cause: unknown) => {
      throw undecodable(format, field, cause);
    });
  const { width, height } = header.autoOrient;
  // Whoever sets no limit has chosen the picture.
  const isBound = maxPixels !== Infinity && inputPixels[format] < maxPixels;
  const most = isBound ? inputPixels[format] : maxPixels;
  if (width * height > most) {
    const [taken, remedy] = isBound
      ? [`${most} are taken as ${format}`, 'Send a smaller one, or another format.']
      : [`${most} are taken`, 'Send a smaller one.'];
    throw new ServiceError(
      'too_many_pixels',
      `The picture has ${describeSize({ width, height })}; at most ${taken}. ${remedy}`,
      { field },
    );
  }
  assertFits(structure, { width, height }, field);
  const sampleBytes = header.depth === 'ushort' ? 2 : 1;
  const encoding = structure.encoding ?? encodingOfProfile(header);
  return {
    ...{ width, height, format, sampleBytes, encoding, file },
    mendedBytes: structure.mended ? bytes.length : 0,
    channels: header.channels,
    hasAlpha: header.hasAlpha,
    isProgressive: header.isProgressive || structure.scans > 1,
    isAnimated: structure.frames > 1,
    frames: structure.frames,
    isSequence: structure.isSequence,
    metadataBytes: structure.metadataBytes,
    tableBytes: structure.tableBytes,
    isTurned: (header.orientation ?? 1) > 1,
    isPremultiplied: structure.isPremultiplied ?? false,
    isWideRgb: header.space === 'rgb16' && header.hasProfile && !encoding,
  };
}

/**
 * By the profile, where sharp does not apply it or not well: grey of 16 bits, RGB of 16 bits (which
 * it takes to Display P3 first, whose reds are others), and greys with a profile for RGB or, as AVIF
 * decodes them, the other way around.
 */
function encodingOfProfile({ icc, space, format, depth }: Metadata): Encoding | undefined {
  if (!icc || icc.length < 128) return undefined;
  const isGrey = space === 'b-w' || space === 'grey16';
  const isForGrey = profileSpace(icc) === 'GRAY';
  if (depth !== 'ushort' && isGrey === isForGrey) return undefined;
  // For colours a profile of grey says nothing.
  if (isForGrey && !isGrey && format !== 'heif') return undefined;
  return readProfile(icc, isGrey);
}

export function describeSize({ width, height }: Size): string {
  return `${width}×${height} = ${width * height} pixels`;
}

export function undecodable(format: InputFormat, field: string, cause: unknown): ServiceError {
  return new ServiceError(
    'undecodable_image',
    `The file begins like ${format} but cannot be decoded: it is damaged or cut short, or takes longer than ${timeoutSeconds} s. Send it again whole, or save it anew first.`,
    { field, cause },
  );
}
