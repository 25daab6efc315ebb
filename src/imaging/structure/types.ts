import type { Encoding } from '../color/encoding.ts';

/**
 * What decoding a picture will cost and what decoders are to be told, as far as its file's structure
 * says. Files that are damaged so
 * that the walk ends early are left to the decoder, which refuses them for that. Where a count
 * passes its limit (limits.ts) the walk may end, with all counts as they are then.
 */
export interface Structure {
  /** Passes over a JPEG's pixels that the decoder will make; 1 for other formats. */
  readonly scans: number;
  /** Pictures in an animation; 1 for a still one. */
  readonly frames: number;
  /** An animation of which decoders read one frame alone: APNG, AVIF. */
  readonly isSequence: boolean;
  /** Bytes of profiles, EXIF, text and the like, what is compressed unpacked. */
  readonly metadataBytes: number;
  /** More pixels than this cannot be in so few bytes. */
  readonly mostPixels: number;
  /**
   * Pixels that are coded for one picture, in tiles, layers and opacity; 0 where the size says it,
   * Infinity where there is no end of them.
   */
  readonly codedPixels: number;
  /**
   * Of a decoder's tables of codes, in bytes, for so many frames one after the other, where a file can make
   * them large; Infinity where they cannot be counted.
   */
  readonly tableBytes: (frames: number) => number;
  /** Of the samples, where the file says so beside a profile; undefined for sRGB. */
  readonly encoding?: Encoding | undefined;
  /** Its colours were multiplied by their opacity. */
  readonly isPremultiplied?: boolean;
  /**
   * Makes the file that decoders are given instead: all of the picture's data are the same, and what
   * they stumble over without need is not there. At most as long as the file and 8 MiB. Undefined
   * where they are given the file itself.
   */
  readonly mended?: (() => Buffer) | undefined;
}

export const still: Structure = {
  scans: 1,
  frames: 1,
  isSequence: false,
  metadataBytes: 0,
  mostPixels: Infinity,
  codedPixels: 0,
  tableBytes: () => 0,
};
