/**
 * Lays painted pixels over the photograph's, in place, as a layer's mask does:
 * photograph + M/255 · (painted − photograph), rounded to the nearest. At 0 that is the photograph to
 * the bit, at 255 the painting.
 * @param coverage M, one byte a pixel
 * @param photograph uint8 RGB pixels
 * @param painted as many, overwritten
 */
export function layOver(coverage: Uint8Array, photograph: Uint8Array, painted: Uint8Array): void {
  for (let pixel = 0, i = 0; pixel < coverage.length; pixel++, i += 3) {
    const share = coverage[pixel] as number;
    if (share === 255) continue;
    const rest = 255 - share;
    for (let at = i; at < i + 3; at++) {
      const sum = share * (painted[at] as number) + rest * (photograph[at] as number);
      painted[at] = (sum + 127) / 255;
    }
  }
}
