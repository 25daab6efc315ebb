import { ServiceError } from '../errors.ts';
import { openStyle } from '../imaging/decode.ts';
import { pixelDigest } from '../imaging/digest.ts';
import { encodePicture } from '../imaging/encode.ts';
import { encodeBytes } from '../imaging/memory.ts';
import type { RequestMemory } from '../memory-budget.ts';
import type { RgbImage } from '../rgb-image.ts';

/** What a request for a style may use. */
export interface Work {
  readonly memory: RequestMemory;
  readonly signal: AbortSignal;
  /** `performance.now()` milliseconds. */
  readonly deadline: number;
}

export interface KeptLimits {
  readonly styleSize: number;
  readonly maxPixels: number;
  /** Of the PNG. */
  readonly maxStyleBytes: number;
}

/** A picture that is registered. */
export interface KeptPicture {
  /** The pixels that are described. */
  readonly image: RgbImage;
  /** Their digest: the picture's own id. */
  readonly version: string;
  /** The same as PNG, with nothing else of the file that was sent. */
  readonly png: Buffer;
}

/**
 * Reads what is kept of a picture, in memory that is taken for it. Rejects with a ServiceError for
 * the field `image`: what openStyle rejects with, and `too_many_bytes`.
 */
export async function readKept(
  bytes: Buffer,
  { styleSize, maxPixels, maxStyleBytes }: KeptLimits,
  { memory, signal }: Work,
): Promise<KeptPicture> {
  const field = 'image';
  const picture = await openStyle(bytes, { styleSize, maxPixels, field });
  const { decodeBytes, heldBytes } = picture;
  const bytesInWork = Math.max(decodeBytes, heldBytes + encodeBytes('png', picture, false));
  if (!memory.fits(bytesInWork)) {
    const text =
      'Decoding this picture takes more memory than there is for pictures here. Send a smaller one.';
    throw new ServiceError('too_many_pixels', text, { field });
  }
  await memory.paint(bytesInWork, signal);
  const image = await picture.decode(signal);
  const version = `sha256-${pixelDigest(image)}`;
  const png = await encodePicture(image, undefined, 'png', 100);
  if (png.length > maxStyleBytes) {
    const text = `Of this picture ${png.length} bytes would be kept; at most ${maxStyleBytes} are (ADAIN_MAX_STYLE_BYTES). Send a smaller one.`;
    throw new ServiceError('too_many_bytes', text, { field });
  }
  signal.throwIfAborted();
  return { image, version, png };
}
