/** Luma of BT.601, full range: Y = 0.299 R + 0.587 G + 0.114 B. */
const [red, green, blue] = [0.299, 0.587, 0.114] as const;

/**
 * Gives painted pixels the content's colours: each becomes content + (Y(painted) − Y(content)),
 * rounded and clamped to 0..255, in place.
 * @param content uint8 RGB pixels
 * @param painted as many, overwritten
 */
export function keepColor(content: Uint8Array, painted: Uint8Array): void {
  const out = new Uint8ClampedArray(painted.buffer, painted.byteOffset, painted.length);
  for (let i = 0; i < out.length; i += 3) {
    const r = content[i] as number;
    const g = content[i + 1] as number;
    const b = content[i + 2] as number;
    const lift =
      red * ((out[i] as number) - r) +
      green * ((out[i + 1] as number) - g) +
      blue * ((out[i + 2] as number) - b);
    out[i] = r + lift;
    out[i + 1] = g + lift;
    out[i + 2] = b + lift;
  }
}
