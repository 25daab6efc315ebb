import type { Size } from '../rgb-image.ts';
import type { PictureFormat } from './formats.ts';
import type { Source } from './source.ts';

/** Rows in work, tables of the codecs, stacks: what does not grow with the picture. */
const fixedBytes = 8 * 2 ** 20;

/** What a decoder itself holds of the whole picture, in bytes a pixel of the picture sent. */
function decoderBytesPerPixel(source: Source): number {
  const { format, channels, sampleBytes, isProgressive, isAnimated } = source;
  switch (format) {
    case 'jpeg':
      // Baseline goes row by row. Else all coefficients are kept until the last scan, 2 bytes each.
      return isProgressive ? 2.2 * channels : 0;
    case 'png':
      return isProgressive ? channels * sampleBytes : 0;
    case 'webp':
      return isAnimated ? 18.5 : 7.5;
    case 'gif':
      return 4.5;
    case 'avif':
      // The frame as AV1 decodes it, once more as libheif passes it on, and as RGB.
      return sampleBytes === 1 ? 18 : 24;
  }
}

/**
 * What decoding a picture takes at most, in bytes, over what the process has before: decoder,
 * pixels in the size `target`, and the copy that is kept; the file itself is not in it. Upper
 * bounds of what was measured on 24 megapixels and on noise (test/imaging/memory.test.ts holds
 * them), where the C library gives freed blocks of some MiB back.
 */
export function decodeBytes(source: Source, target: Size): number {
  const sent = source.width * source.height;
  const made = target.width * target.height;
  const { channels, sampleBytes, hasAlpha } = source;
  // Scaling holds some of the rows that it reads.
  const scaling = target === source ? 0 : 0.6 * channels * sampleBytes * sent;
  const decoding = decoderBytesPerPixel(source) * sent + scaling + (hasAlpha ? 4 : 3) * made;
  const copying = (hasAlpha ? 8.7 : 6.4) * made;
  // As libraries pass it on, it is held three times.
  const metadata = 3 * source.metadataBytes;
  // A picture that lies on its side is held as it was sent while it is turned.
  const turning = source.isTurned ? channels * sampleBytes * sent : 0;
  return fixedBytes + metadata + Math.max(decoding + turning, copying);
}

/** What decoded pixels hold, in bytes: colours, and opacity where the picture may have some. */
export function pixelBytes({ hasAlpha }: Source, { width, height }: Size): number {
  return (hasAlpha ? 4 : 3) * width * height;
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
export function encodeBytes(format: PictureFormat, { width, height }: Size, hasAlpha: boolean) {
  const { opaque, withAlpha } = encoderBytesPerPixel[format];
  return fixedBytes + (hasAlpha ? withAlpha : opaque) * width * height;
}
