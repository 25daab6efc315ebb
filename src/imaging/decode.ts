import sharp from 'sharp';

import { ServiceError } from '../errors.ts';
import { smallestSide, type RgbImage, type Size } from '../rgb-image.ts';
import { toSrgb } from './color/to-srgb.ts';
import { assertAnimation, readTiming, type Timing } from './animation.ts';
import { animationFormat, type ResultFormat, resultFormat } from './formats.ts';
import { decodeBytes, pixelBytes } from './memory.ts';
import { ownPixels } from './pixels.ts';
import { pool, type Pool } from './pool.ts';
import { describeSize, inspect, type Source, timeoutSeconds, undecodable } from './source.ts';
import { divide, separate } from './transparency.ts';

/** What a picture takes in memory beside the file, in bytes, as far as its header tells. */
export interface DecodeMemory {
  /** An upper bound while it is decoded, the pixels included. */
  readonly decodeBytes: number;
  /** Of the pixels, once it is decoded. */
  readonly heldBytes: number;
}

/** A picture that can be decoded, once it is known what it takes. */
export interface Decodable extends DecodeMemory {
  /**
   * In the size given; frames one below the other. Rejects with a ServiceError, `undecodable_image`, or
   * with the signal's reason if that fires before the decode has begun: then it cannot be stopped.
   */
  decode(signal?: AbortSignal): Promise<Pixels>;
}

/** The picture to repaint, known by its header; its size is that of one frame. */
export interface Content extends Size, Decodable {
  /** What "the content's own format" means for the result. */
  readonly format: ResultFormat;
  /** How many frames are painted. */
  readonly frames: number;
  /** Of an animation of which all frames are painted. */
  readonly timing: Timing | undefined;
  /** Whether it has opacity, even if all of it is opaque. */
  readonly hasAlpha: boolean;
  /** The same in another size than the result's. */
  inSize(size: Size): Decodable;
}

export interface Pixels {
  readonly image: RgbImage;
  /** Opacity, one byte a pixel, rows top to bottom. Undefined when every pixel is opaque. */
  readonly alpha: Uint8Array<ArrayBuffer> | undefined;
}

/** A style picture, known by its header, in the size in which it is described. */
export interface StylePicture extends Size, DecodeMemory {
  /** As a content's. */
  decode(signal?: AbortSignal): Promise<RgbImage>;
}

export interface ContentLimits {
  /** Of the picture sent, and of the result after `size`; of all frames together. */
  readonly maxPixels: number;
  /** The most frames of an animation, where all of them are wanted; else its first is taken. */
  readonly maxFrames?: number | undefined;
  /** The longest side of the result, in pixels; the picture's own when undefined. */
  readonly size?: number | undefined;
  /** The form field that brought the bytes, for error messages. */
  readonly field: string;
}

export interface StyleLimits {
  readonly maxPixels: number;
  /** The longest side is scaled down to this many pixels, never up. */
  readonly styleSize: number;
  readonly field: string;
}

/**
 * Reads the header of the picture to repaint, and makes sure that it is within its limits. Decoded
 * it is upright (EXIF orientation applied), sRGB, 8 bit, the first frame of an animation.
 *
 * A picture with an alpha channel comes back as colours and opacity apart (`separate`).
 *
 * Rejects with a ServiceError: `unsupported_media_type`, `undecodable_image`, `image_too_small`,
 * `too_many_pixels`.
 */
export async function openContent(
  bytes: Buffer,
  { maxPixels, maxFrames, size, field }: ContentLimits,
): Promise<Content> {
  const source = await inspect(bytes, field, maxPixels);
  if (maxFrames !== undefined) assertAnimation(source, { maxFrames, maxPixels, field });
  const frames = maxFrames === undefined ? 1 : source.frames;
  const target = size === undefined ? source : scaleTo(source, size);
  if (frames * target.width * target.height > maxPixels) {
    const all = frames === 1 ? '' : ` in each of ${frames} frames`;
    throw new ServiceError(
      'too_many_pixels',
      `At a size of ${String(size)} the result would have ${describeSize(target)}${all}; at most ${maxPixels} are made. Ask for a smaller size.`,
      { field: 'size' },
    );
  }
  if (isTooSmall(target)) {
    throw isTooSmall(source)
      ? tooSmall(`The picture is ${source.width}×${source.height} pixels`, field)
      : tooSmall(
          `At a size of ${String(size)} the result would be ${target.width}×${target.height} pixels`,
          'size',
          'Ask for a larger size.',
        );
  }
  const { width, height } = target;
  // Frames are decoded with opacity, which lets them leave what was there before.
  const decoded = frames > 1 ? { ...source, hasAlpha: true, channels: 4 } : source;
  const inSize = (size: Size): Decodable => {
    const wanted = size === source ? decoded : size;
    return {
      ...memoryOf(decoded, wanted, frames),
      decode: (signal) => decodePixels(decoded, wanted, field, { frames, signal }),
    };
  };
  return {
    ...{ width, height, frames, hasAlpha: decoded.hasAlpha, inSize, ...inSize(target) },
    format: frames > 1 ? animationFormat(source.format) : resultFormat(source.format),
    timing: frames > 1 ? await readTiming(source, field) : undefined,
  };
}

/**
 * Reads the header of a style picture, which is decoded like a content, scaled down to `styleSize`,
 * without its opacity. Of one so narrow that it would be too small then, the middle is taken.
 *
 * Rejects with a ServiceError: `unsupported_media_type`, `undecodable_image`, `image_too_small`,
 * `too_many_pixels`.
 */
export async function openStyle(
  bytes: Buffer,
  { maxPixels, styleSize, field }: StyleLimits,
): Promise<StylePicture> {
  const source = await inspect(bytes, field, maxPixels);
  if (isTooSmall(source)) {
    throw tooSmall(`The picture is ${source.width}×${source.height} pixels`, field);
  }
  const target = styleTarget(source, styleSize);
  const { width, height } = target;
  return {
    ...{ width, height, ...memoryOf(source, target) },
    decode: async (signal) => (await decodePixels(source, target, field, { signal })).image,
  };
}

/** In which a picture is decoded; the same object as its source for its own size. */
interface Target extends Size {
  /** Of another shape than the picture: what lies beyond it is cut off. */
  readonly isCropped?: boolean;
}

function styleTarget(source: Source, styleSize: number): Target {
  const target = scaleTo(source, Math.min(styleSize, Math.max(source.width, source.height)));
  if (!isTooSmall(target)) return target;
  const { width, height } = target;
  return {
    width: Math.max(width, smallestSide),
    height: Math.max(height, smallestSide),
    isCropped: true,
  };
}

function memoryOf(source: Source, target: Size, frames = 1): DecodeMemory {
  return {
    decodeBytes: decodeBytes(source, target, frames),
    heldBytes: pixelBytes(source, target, frames),
  };
}

interface DecodeOptions {
  readonly signal?: AbortSignal | undefined;
  /** All of them, one below the other; without it the first. */
  readonly frames?: number;
  /** Where it stands in line for a thread; without it last. */
  readonly run?: Pool['run'];
}

/** Decodes a picture whose header was inspected. Rejects as `Content.decode` does. */
export async function decodePixels(
  source: Source,
  target: Target,
  field: string,
  { signal, frames = 1, run = pool.run }: DecodeOptions = {},
): Promise<Pixels> {
  const decoding = () =>
    decodeWhole(source, field, (file, failOn) => decodeWith(file, failOn, source, target, frames));
  const { data, info } = await run(decoding, signal);
  const { width, height } = info;
  const channels = info.channels === 4 ? 4 : 3;
  const { encoding, sampleBytes, isPremultiplied } = source;
  if (isPremultiplied && channels === 4) await divide(data, encoding ? sampleBytes : 1);
  const pixels = encoding ? await toSrgb(data, sampleBytes, channels, encoding) : data;
  if (channels === 3) {
    return { image: { width, height, data: await ownPixels(pixels) }, alpha: undefined };
  }
  const { rgb, alpha } = await separate(pixels, info);
  return { image: { width, height, data: rgb }, alpha };
}

/** What libjpeg complains of without need: all but scans that end before their pixels do. */
const harmless = /^VipsJpeg: (?!.*premature end)/;

/**
 * Every pixel must be there, whatever the format. Decoders see to it, but that of JPEG: it says so
 * in a warning like those of what every browser shows, of which only the first is heard.
 * Rejects with a ServiceError, `undecodable_image`.
 */
export async function decodeWhole<T>(
  { format, file }: Source,
  field: string,
  decode: (file: Buffer, failOn: FailOn) => Promise<T>,
): Promise<T> {
  const bytes = file();
  try {
    if (format !== 'jpeg') return await decode(bytes, 'error');
    return await decode(bytes, 'warning').catch((error: unknown) => {
      if (error instanceof Error && harmless.test(error.message)) return decode(bytes, 'error');
      throw error;
    });
  } catch (cause) {
    throw undecodable(format, field, cause);
  }
}

type FailOn = 'error' | 'warning';

function decodeWith(file: Buffer, failOn: FailOn, source: Source, target: Target, frames: number) {
  const { encoding, sampleBytes, isWideRgb, width, height } = source;
  const pipeline = sharp(file, {
    ...{ autoOrient: frames === 1, animated: frames > 1, failOn },
    limitInputPixels: frames * width * height,
    ignoreIcc: encoding !== undefined,
  });
  if (target !== source) {
    const fit = target.isCropped ? 'cover' : 'fill';
    pipeline.resize(target.width, target.height, { fit });
  }
  pipeline.timeout({ seconds: timeoutSeconds });
  if (encoding && sampleBytes === 2) {
    pipeline.toColourspace('rgb16').raw({ depth: 'ushort' });
  } else {
    // sharp takes pictures of 16 bits with a profile to Display P3 and leaves them there, unless an
    // output profile is named. Named without need it does harm: 16 bits without one are sRGB.
    if (isWideRgb) pipeline.withIccProfile('srgb');
    pipeline.toColourspace('srgb').raw({ depth: 'uchar' });
  }
  return pipeline.toBuffer({ resolveWithObject: true });
}

/** The size with the longest side at `longest`; the same object when it is there already. */
export function scaleTo<T extends Size>(size: T, longest: number): T | Size {
  const scale = longest / Math.max(size.width, size.height);
  if (scale === 1) return size;
  return {
    width: Math.max(1, Math.round(size.width * scale)),
    height: Math.max(1, Math.round(size.height * scale)),
  };
}

function isTooSmall({ width, height }: Size): boolean {
  return Math.min(width, height) < smallestSide;
}

function tooSmall(what: string, field: string, remedy = 'Send a larger one.'): ServiceError {
  return new ServiceError(
    'image_too_small',
    `${what}; each side needs at least ${smallestSide}. ${remedy}`,
    { field },
  );
}
