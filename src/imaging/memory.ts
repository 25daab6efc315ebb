import type { Size } from '../rgb-image.ts';
import type { AnimationFormat, PictureFormat } from './formats.ts';
import type { Source } from './source.ts';

/** Rows in work, tables of the codecs, stacks: what does not grow with the picture. */
const fixedBytes = 8 * 2 ** 20;

/** AV1 goes by blocks, so that a narrow picture takes what a wider one does. */
const avifBlock = { decoder: 128, encoder: 64 };

/** Pixels of whole blocks of so many pixels a side. */
function pixelsInBlocks({ width, height }: Size, side: number): number {
  const whole = (length: number) => side * Math.ceil(length / side);
  return whole(width) * whole(height);
}

/** What a decoder itself holds of the whole picture, in bytes a pixel of the picture sent. */
function decoderBytesPerPixel(source: Source): number {
  const { format, channels, sampleBytes, hasAlpha, isProgressive, isAnimated } = source;
  switch (format) {
    case 'jpeg':
      // Baseline goes row by row. Else all coefficients are kept until the last scan, 2 bytes each.
      return isProgressive ? 2.2 * channels : 0;
    case 'png':
      return isProgressive ? channels * sampleBytes : 0;
    case 'webp':
      return (isAnimated ? 18.5 : 7.5) + (hasAlpha ? 1.5 : 0);
    case 'gif':
      return 4.5;
    case 'avif':
      // The frame as AV1 decodes it, once more as libheif passes it on, and as RGB.
      return sampleBytes === 1 ? 18 : 24;
  }
}

/**
 * By how much JPEG's decoder scales each side down itself: to an eighth at most, and no further than
 * to twice what is asked for, of the side that is scaled least.
 */
function shrinking({ format, width, height }: Source, target: Size): number {
  const ratio = Math.min(width / target.width, height / target.height);
  return format === 'jpeg' ? Math.min(Math.max(ratio / 4, 1), 8) : 1;
}

/**
 * What is held of the rows in work: of wide pictures much, and of low ones more rows than they have,
 * since each step of the way holds some.
 */
function rowBytes(source: Source, target: Size): number {
  const { channels, sampleBytes, hasAlpha, isTurned } = source;
  // As it was sent a turned picture may be as wide as it is high now.
  const width = isTurned ? Math.max(source.width, source.height) : source.width;
  const height = (source.width * source.height) / width;
  const row = width * channels * sampleBytes;
  if (target === source) return (2 * Math.min(height, 320) + 40) * row;
  const rows = Math.min(height, 384);
  const held = (Math.max(4 * rows, 400 + 2.7 * rows) + 0.6 * height) * row;
  // Colours with opacity are scaled as floats.
  const floats = hasAlpha ? (1 + sampleBytes) * (1700 + 10 * Math.min(height, 256)) * width : 0;
  return Math.max(held / shrinking(source, target) ** 2, floats);
}

/**
 * What decoding a picture takes at most, in bytes, over what the process has before: decoder,
 * pixels in the size `target`, and the copy that is kept; the file itself is not in it, a mended copy is. Upper
 * bounds of what was measured on 24 megapixels and on noise (test/imaging/memory.test.ts holds
 * them), where the C library gives freed blocks of some MiB back.
 * @param frames of this size that are decoded, one after the other
 */
export function decodeBytes(source: Source, target: Size, frames = 1): number {
  const made = frames * target.width * target.height;
  const { sampleBytes, hasAlpha, encoding } = source;
  // Samples in another encoding than sRGB are given as they are decoded, and converted then.
  const givenBytes = (hasAlpha ? 4 : 3) * (encoding ? sampleBytes : 1);
  const decoding = decoderBytes(source, target) + givenBytes * made;
  const copying = (givenBytes + (hasAlpha ? 4.7 : 3.4)) * made;
  return besideBytes(source, target, frames) + Math.max(decoding, copying);
}

/** The same for a mask, whose bands come one after the other, of a byte a pixel each. */
export function maskBytes(source: Source, target: Size): number {
  const made = target.width * target.height;
  const { channels, sampleBytes, hasAlpha } = source;
  // Rows in work, however few they are, have all bands, and with opacity as floats.
  const stretched = target.width * (hasAlpha ? 4300 : 100 * channels * sampleBytes);
  const decoding = decoderBytes(source, target) + stretched + (hasAlpha ? 2 : 1) * made;
  return besideBytes(source, target) + decoding;
}

/** What the decoder holds of the picture; one that lies on its side as it was sent, while it is turned. */
function decoderBytes(source: Source, target: Size): number {
  const { format, channels, sampleBytes, isTurned } = source;
  const sent = source.width * source.height;
  const decoded = format === 'avif' ? pixelsInBlocks(source, avifBlock.decoder) : sent;
  const turned = (channels * sampleBytes * sent) / shrinking(source, target) ** 2;
  return decoderBytesPerPixel(source) * decoded + (isTurned ? turned : 0);
}

function besideBytes(source: Source, target: Size, frames = 1): number {
  // Unpacked to be counted, then held by each library that it is passed through: text of 7.9 MB took
  // 64 MB.
  const metadata = 8 * source.metadataBytes;
  const files = source.mendedBytes + metadata + source.tableBytes(frames);
  return fixedBytes + files + rowBytes(source, target);
}

/** What decoded pixels hold, in bytes: colours, and opacity where the picture may have some. */
export function pixelBytes({ hasAlpha }: Source, { width, height }: Size, frames = 1): number {
  return (hasAlpha ? 4 : 3) * frames * width * height;
}

/** Of bands that are copied and wait for the garbage collector, which comes for so many bytes. */
const garbageBytes = 80 * 2 ** 20;

/** What scaling decoded pixels takes at most, in bytes, both pictures included. */
export function resizeBytes(from: Size, to: Size): number {
  const made = 3 * to.width * to.height;
  const rows = 3 * (from.width + to.width) * 384 + Math.min(1.2 * made, garbageBytes);
  return fixedBytes + rows + 3 * from.width * from.height + made;
}

/** In bytes a pixel, for noise at quality 100, the bytes of the result included. */
const encoderBytesPerPixel: Record<PictureFormat, { opaque: number; withAlpha: number }> = {
  jpeg: { opaque: 5, withAlpha: 9 },
  png: { opaque: 4, withAlpha: 4.5 },
  webp: { opaque: 12.5, withAlpha: 38.5 },
  avif: { opaque: 54, withAlpha: 78 },
};

/**
 * What encoding a result takes at most, in bytes, over the pixels that go in; the result is in it.
 */
export function encodeBytes(format: PictureFormat, size: Size, hasAlpha: boolean) {
  const { opaque, withAlpha } = encoderBytesPerPixel[format];
  const pixels = pixelsInBlocks(size, format === 'avif' ? avifBlock.encoder : 1);
  return fixedBytes + (hasAlpha ? withAlpha : opaque) * pixels;
}

/**
 * The same for an animation, in bytes a pixel of all frames and of one. WebP is given colours with their
 * opacity; of GIF codes are written, twice, and its palette is chosen by a sample.
 */
const animationBytes: Record<AnimationFormat, { all: number; one: number; sample: number }> = {
  webp: { all: 16, one: 60, sample: 0 },
  gif: { all: 5, one: 12, sample: 16 * 2 ** 20 },
};

export function encodeAnimationBytes(format: AnimationFormat, size: Size, frames: number) {
  const { all, one, sample } = animationBytes[format];
  return fixedBytes + sample + (all * frames + one) * size.width * size.height;
}
