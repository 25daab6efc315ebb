/**
 * HDR for screens of common brightness, as Chromium shows it: by the operator of SMPTE ST 2094-50
 * for pictures that bring none, for a peak of 1,000 cd/m². Light is relative to 203 cd/m², the white
 * of paper and text (ITU-R BT.2408), and of BT.2020's primaries.
 */
const white = 203;
const peak = 1000 / white;

export const lightOfPq = 10_000 / white;

/** Up to the white of paper all is shown by half, so that what is brighter has room. */
const shownWhite = 0.5;

/** From there a parabola leads to the peak, begins in the same direction, and bends by this much. */
const bend = 0.65;
const middle = {
  x: 1 - bend + bend / shownWhite,
  y: (1 - bend) * shownWhite + bend,
};

/** By what light is multiplied to be shown, of the largest of a pixel's three. */
export function toneGain(light: number): number {
  if (light <= 1) return shownWhite;
  if (light >= peak) return 1 / light;
  // Bézier's curve from (1, shownWhite) over the middle to (peak, 1): t where it has this x.
  const [square, linear] = [1 - 2 * middle.x + peak, 2 * (middle.x - 1)];
  const t = (-linear + Math.sqrt(linear ** 2 + 4 * square * (light - 1))) / (2 * square);
  const y = (1 - t) ** 2 * shownWhite + 2 * t * (1 - t) * middle.y + t ** 2;
  return y / light;
}

/** By what the light of a scene in HLG is multiplied for a screen of 1,000 cd/m² (BT.2100). */
export function systemGain(red: number, green: number, blue: number): number {
  return peak * (0.2627 * red + 0.678 * green + 0.0593 * blue) ** 0.2;
}
