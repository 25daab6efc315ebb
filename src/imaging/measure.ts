import { mediaTypes } from './formats.ts';
import { inspect } from './source.ts';

/** A picture's upright size in pixels and its media type, read from the header alone. */
export interface Measures {
  readonly width: number;
  readonly height: number;
  readonly mediaType: string;
}

/**
 * Measures a picture of any size. Rejects with a ServiceError for `field`:
 * `unsupported_media_type`, `undecodable_image`.
 */
export async function measurePicture(bytes: Buffer, field: string): Promise<Measures> {
  const { width, height, format } = await inspect(bytes, field, Infinity);
  return { width, height, mediaType: mediaTypes[format] };
}
