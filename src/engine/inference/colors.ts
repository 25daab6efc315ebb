import type { ColorMode } from '../types.ts';

/** Luma of BT.601, full range: Y = 0.299 R + 0.587 G + 0.114 B. */
const [red, green, blue] = [0.299, 0.587, 0.114] as const;

/**
 * Takes light or colours of painted pixels from the photograph, in place: `content` gives the
 * photograph's pixels the painting's luma, `only` the painting's pixels the photograph's luma
 * (Gatys et al., Controlling Perceptual Factors in Neural Style Transfer, CVPR 2017, section 5.1).
 * Rounded and clamped to 0..255.
 * @param photograph uint8 RGB pixels
 * @param painted as many, overwritten
 */
export function mixColors(mode: ColorMode, photograph: Uint8Array, painted: Uint8Array): void {
  if (mode === 'content') giveLuma(painted, photograph, painted);
  if (mode === 'only') giveLuma(photograph, painted, painted);
}

/** out = colors + (Y(light) − Y(colors)); `out` may be either of them. */
function giveLuma(light: Uint8Array, colors: Uint8Array, out: Uint8Array): void {
  const clamped = new Uint8ClampedArray(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < out.length; i += 3) {
    const r = colors[i] as number;
    const g = colors[i + 1] as number;
    const b = colors[i + 2] as number;
    const lift =
      red * ((light[i] as number) - r) +
      green * ((light[i + 1] as number) - g) +
      blue * ((light[i + 2] as number) - b);
    clamped[i] = r + lift;
    clamped[i + 1] = g + lift;
    clamped[i + 2] = b + lift;
  }
}
