/**
 * What decoding a picture will cost, as far as its file's structure tells. Files that are damaged so
 * that the walk ends early are left to the decoder, which refuses them for that. Where a count
 * passes its limit (limits.ts) the walk may end, with all counts as they are then.
 */
export interface Structure {
  /** Passes over a JPEG's pixels that the decoder will make; 1 for other formats. */
  readonly scans: number;
  /** Pictures in an animation; 1 for a still one. */
  readonly frames: number;
  /** Bytes of profiles, EXIF, text and the like, what is compressed unpacked. */
  readonly metadataBytes: number;
  /** More pixels than this cannot be in so few bytes. */
  readonly mostPixels: number;
  /**
   * Pixels that are coded for one picture, in tiles, layers and opacity; 0 where the size says it,
   * Infinity where there is no end of them.
   */
  readonly codedPixels: number;
}

export const still: Structure = {
  scans: 1,
  frames: 1,
  metadataBytes: 0,
  mostPixels: Infinity,
  codedPixels: 0,
};
