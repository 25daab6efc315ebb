import { ServiceError } from '../../errors.ts';
import type { Size } from '../../rgb-image.ts';
import type { Structure } from './types.ts';

/** Of 2,717 real files the most had 15. Each costs 14 ns per 64 pixels at least. */
export const mostScans = 100;

/** Of 1,038 real files the most had 42. libwebp's time goes with their square. */
export const mostFrames = 1000;

/**
 * Profiles have up to some MB, EXIF 64 KB. Reading the header unpacks all of it and holds it several
 * times, before the memory of the request is known.
 */
export const mostMetadataBytes = 8 * 2 ** 20;

/**
 * Colours, opacity, depth and a gain map, or four layers, each as large as the picture; 4 megapixels
 * for tiles half empty.
 */
const mostCodedPixels = ({ width, height }: Size) => 4 * width * height + 4_000_000;

/**
 * Makes sure that a file has no more in it than pictures have, before any decoder sees it.
 * @throws ServiceError `too_complex_image`
 */
export function assertModest(structure: Structure, field: string): void {
  const { scans, frames, metadataBytes, tableBytes } = structure;
  if (scans > mostScans) {
    throw tooComplex(
      `The JPEG is drawn in more than the ${mostScans} scans that are taken. Save it anew, baseline or progressive as usual.`,
      field,
    );
  }
  if (frames > mostFrames) {
    throw tooComplex(
      `The animation has more than the ${mostFrames} frames that are taken. Send its first frame alone.`,
      field,
    );
  }
  if (metadataBytes > mostMetadataBytes) {
    throw tooComplex(
      `The file has profiles, EXIF and text of more than the ${mostMetadataBytes} bytes, unpacked, that are taken. Save it without them.`,
      field,
    );
  }
  if (tableBytes(1) === Infinity) {
    throw tooComplex(
      'The lossless WebP is cut into more blocks than can be counted. Save it anew, or as PNG.',
      field,
    );
  }
}

/**
 * Makes sure that a file's data fit the size that its header claims.
 * @throws ServiceError `too_complex_image`, `undecodable_image`
 */
export function assertFits({ mostPixels, codedPixels }: Structure, size: Size, field: string) {
  const claimed = `${size.width}×${size.height} pixels`;
  if (size.width * size.height > mostPixels) {
    throw new ServiceError(
      'undecodable_image',
      `The file claims ${claimed} and is too short for them: it is damaged or cut short. Send it again whole.`,
      { field },
    );
  }
  const most = mostCodedPixels(size);
  if (codedPixels > most) {
    const coded = codedPixels === Infinity ? 'more than can be counted' : codedPixels;
    throw tooComplex(
      `The tiles and layers of the picture of ${claimed} have ${coded} together; at most ${most} are taken. Save it anew as one picture.`,
      field,
    );
  }
}

function tooComplex(message: string, field: string): ServiceError {
  return new ServiceError('too_complex_image', message, { field });
}
