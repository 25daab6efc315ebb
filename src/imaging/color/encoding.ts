import {
  apply,
  diagonal,
  inverse,
  type Matrix,
  product,
  transposed,
  type Vector,
} from './matrix.ts';

/** Light of a sample: both from 0 to 1; of PQ 1 is 10,000 cd/m². */
export type Curve = (sample: number) => number;

/**
 * What the samples of a picture mean, where that is not what its decoder makes of them, which is
 * sRGB.
 */
export interface Encoding {
  /** Of red, green and blue. */
  readonly curves: readonly [Curve, Curve, Curve];
  /**
   * Light of the picture's primaries to that of others: sRGB's, or of HDR those of BT.2020.
   * Undefined for sRGB's own, and for pictures of grey.
   */
  readonly matrix: Matrix | undefined;
  /** Undefined for what a screen of common brightness shows as it is. */
  readonly hdr?: 'pq' | 'hlg';
}

/** Places on the plane of colours, as x and y. */
export interface Chromaticities {
  readonly white: Place;
  readonly red: Place;
  readonly green: Place;
  readonly blue: Place;
}
type Place = readonly [x: number, y: number];

const d65: Place = [0.3127, 0.329];
const c: Place = [0.31, 0.316];

const of = (white: Place, red: Place, green: Place, blue: Place): Chromaticities => ({
  ...{ white, red, green, blue },
});

const bt709 = of(d65, [0.64, 0.33], [0.3, 0.6], [0.15, 0.06]);
const bt2020 = of(d65, [0.708, 0.292], [0.17, 0.797], [0.131, 0.046]);
const ntsc = of(d65, [0.63, 0.34], [0.31, 0.595], [0.155, 0.07]);

/** By their numbers in ITU-T H.273, which PNG's cICP and AVIF's nclx have in common. */
const primariesOf = new Map<number, Chromaticities>([
  [1, bt709],
  [4, of(c, [0.67, 0.33], [0.21, 0.71], [0.14, 0.08])],
  [5, of(d65, [0.64, 0.33], [0.29, 0.6], [0.15, 0.06])],
  [6, ntsc],
  [7, ntsc],
  [8, of(c, [0.681, 0.319], [0.243, 0.692], [0.145, 0.049])],
  [9, bt2020],
  [10, of([1 / 3, 1 / 3], [1, 0], [0, 1], [0, 0])],
  [11, of([0.314, 0.351], [0.68, 0.32], [0.265, 0.69], [0.15, 0.06])],
  [12, of(d65, [0.68, 0.32], [0.265, 0.69], [0.15, 0.06])],
  [22, of(d65, [0.63, 0.34], [0.295, 0.605], [0.155, 0.077])],
]);

export const power =
  (exponent: number): Curve =>
  (sample) =>
    sample ** exponent;

export const srgbCurve: Curve = (sample) =>
  sample <= 0.04045 ? sample / 12.92 : ((sample + 0.055) / 1.055) ** 2.4;

const smpte240: Curve = (sample) =>
  sample < 0.0913 ? sample / 4 : ((sample + 0.1115) / 1.1115) ** (1 / 0.45);

const pq: Curve = (sample) => {
  const root = sample ** (1 / 78.84375);
  return (Math.max(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125);
};

const hlg: Curve = (sample) =>
  sample <= 0.5
    ? sample ** 2 / 3
    : (Math.exp((sample - 0.55991073) / 0.17883277) + 0.28466892) / 12;

/** By their numbers in H.273. Video's are those of the screens it is made for, as browsers have them. */
const curveOf = new Map<number, Curve>([
  ...[1, 6, 11, 14, 15].map((code): [number, Curve] => [code, power(2.4)]),
  [4, power(2.2)],
  [5, power(2.8)],
  [7, smpte240],
  [8, (sample) => sample],
  [13, srgbCurve],
  [16, pq],
  [17, (sample) => (52.37 / 48) * sample ** 2.6],
  [18, hlg],
]);

/** The three curves are one. */
export function encodingOf(curve: Curve, matrix: Matrix | undefined, hdr?: 'pq' | 'hlg'): Encoding {
  return { curves: [curve, curve, curve], matrix, ...(hdr && { hdr }) };
}

export const srgb = encodingOf(srgbCurve, undefined);

/**
 * What two numbers of H.273 say.
 * @returns `srgb` itself for that, undefined for numbers that no browser knows either
 */
export function readCodes(primaries: number, transfer: number): Encoding | undefined {
  const own = primariesOf.get(primaries);
  const curve = curveOf.get(transfer);
  if (!own || !curve) return undefined;
  if (own === bt709 && curve === srgbCurve) return srgb;
  const hdr = curve === pq ? 'pq' : curve === hlg ? 'hlg' : undefined;
  const target = hdr ? bt2020 : bt709;
  return encodingOf(curve, own === target ? undefined : between(own, target), hdr);
}

/**
 * What PNG's gAMA and cHRM say, as browsers take it: 1/2.2 alone is a rounded sRGB.
 * @param gamma of the encoding
 */
export function readGamma(
  gamma: number,
  chromaticities: Chromaticities | undefined,
): Encoding | undefined {
  const isRounded = chromaticities === undefined && Math.abs(gamma - 0.45455) < 1e-4;
  if (gamma <= 0 || isRounded) return undefined;
  const matrix = chromaticities && between(chromaticities, bt709);
  // Chromaticities that are no triangle are none.
  const isSound = matrix?.flat().every(Number.isFinite);
  return encodingOf(power(1 / gamma), isSound ? matrix : undefined);
}

/** From light of some primaries to light of others; white stays white. */
function between(from: Chromaticities, to: Chromaticities): Matrix {
  const adapted = product(adaptation(from.white, to.white), toXyz(from));
  return product(inverse(toXyz(to)), adapted);
}

/** Sensitivities of the eye's cones by Bradford, in which whites are compared. */
const cones: Matrix = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];

function adaptation(from: Place, to: Place): Matrix {
  const [a, b, c] = apply(cones, xyz(from));
  const [x, y, z] = apply(cones, xyz(to));
  return product(inverse(cones), product(diagonal([x / a, y / b, z / c]), cones));
}

function toXyz({ white, red, green, blue }: Chromaticities): Matrix {
  const columns = transposed([direction(red), direction(green), direction(blue)]);
  return product(columns, diagonal(apply(inverse(columns), xyz(white))));
}

/** x, y and z, which add to 1. */
function direction([x, y]: Place): Vector {
  return [x, y, 1 - x - y];
}

/** Of luminance 1. */
function xyz([x, y]: Place): Vector {
  return [x / y, 1, (1 - x - y) / y];
}

export const bt2020ToSrgb = between(bt2020, bt709);

/** From XYZ as profiles have it, adapted to D50, to light of sRGB's primaries. */
export const profileXyzToSrgb = product(inverse(toXyz(bt709)), adaptation([0.34567, 0.3585], d65));
