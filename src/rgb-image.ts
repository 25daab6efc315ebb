/**
 * A decoded picture: uint8 sRGB, rows top to bottom, pixels left to right, R G B interleaved
 * (HWC), no padding between rows. `data.length === 3 * width * height`.
 */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array<ArrayBuffer>;
}
