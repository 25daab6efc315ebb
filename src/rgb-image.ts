/** The smallest side, in pixels, that the networks take. */
export const smallestSide = 16;

/** In pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * A decoded picture: uint8 sRGB, rows top to bottom, pixels left to right, R G B interleaved
 * (HWC), no padding between rows. `data.length === 3 * width * height`.
 */
export interface RgbImage extends Size {
  readonly data: Uint8Array<ArrayBuffer>;
}
