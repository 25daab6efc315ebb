import sharp from 'sharp';

/** The longest side of a thumbnail, in pixels. */
const longestSide = 256;

/**
 * A small WebP (about 10 KB) of a style's picture, for galleries; never scaled up. For pictures
 * that the catalog has accepted: it rejects with sharp's own error on anything else.
 */
export function thumbnail(bytes: Buffer): Promise<Buffer> {
  return sharp(bytes, { autoOrient: true, failOn: 'error' })
    .resize(longestSide, longestSide, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80, effort: 4 })
    .toBuffer();
}
