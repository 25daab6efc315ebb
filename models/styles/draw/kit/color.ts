import { clamp, lerp } from './math.ts';

/** sRGB, each 0 to 1. */
export type Rgb = readonly [red: number, green: number, blue: number];
type Oklab = readonly [lightness: number, greenRed: number, blueYellow: number];

const BLACK: Rgb = [0, 0, 0];
export const WHITE: Rgb = [1, 1, 1];

export function hex(code: string): Rgb {
  const value = Number.parseInt(code.slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}

export const mix = (a: Rgb, b: Rgb, t: number): Rgb => [
  lerp(a[0], b[0], t),
  lerp(a[1], b[1], t),
  lerp(a[2], b[2], t),
];

export const brighten = (color: Rgb, factor: number): Rgb => [
  color[0] * factor,
  color[1] * factor,
  color[2] * factor,
];

/** Light through two filters, or ink over ink. */
export const multiply = (a: Rgb, b: Rgb): Rgb => [a[0] * b[0], a[1] * b[1], a[2] * b[2]];

const linear = (v: number): number => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const gamma = (v: number): number =>
  v <= 0.0031308 ? 12.92 * v : 1.055 * clamp(v) ** (1 / 2.4) - 0.055;

function toOklab(color: Rgb): Oklab {
  const [r, g, b] = [linear(color[0]), linear(color[1]), linear(color[2])];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromOklab([lightness, a, b]: Oklab): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    gamma(clamp(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s)),
    gamma(clamp(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s)),
    gamma(clamp(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s)),
  ];
}

/** A neighbour of a colour as the eye measures it: lighter, purer (a factor), turned in hue (radians). */
export function vary(color: Rgb, lighter: number, purer = 1, turn = 0): Rgb {
  const [lightness, a, b] = toOklab(color);
  const [c, s] = [Math.cos(turn) * purer, Math.sin(turn) * purer];
  return fromOklab([clamp(lightness + lighter), a * c - b * s, a * s + b * c]);
}

const RAMP_STEPS = 255;

/** A scale of colours from 0 to 1, evenly spaced stops, blended without grey mud between them. */
export function ramp(...codes: readonly string[]): (t: number) => Rgb {
  const stops = codes.map((code) => toOklab(hex(code)));
  const last = stops.length - 1;
  const steps = Array.from({ length: RAMP_STEPS + 1 }, (_, step): Rgb => {
    const place = (step / RAMP_STEPS) * last;
    const left = stops[Math.min(Math.floor(place), last)] ?? [0, 0, 0];
    const right = stops[Math.min(Math.floor(place) + 1, last)] ?? left;
    const t = place - Math.floor(place);
    return fromOklab([
      lerp(left[0], right[0], t),
      lerp(left[1], right[1], t),
      lerp(left[2], right[2], t),
    ]);
  });
  return (t) => steps[Math.round(clamp(t) * RAMP_STEPS)] ?? BLACK;
}
