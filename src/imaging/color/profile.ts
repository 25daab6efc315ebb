import { type Curve, type Encoding, encodingOf, profileXyzToSrgb, power } from './encoding.ts';
import { product, transposed, type Vector } from './matrix.ts';

const fixed = (bytes: Buffer, at: number) => bytes.readInt32BE(at) / 65_536;

/** Which samples an ICC profile is for: `GRAY`, `RGB `, `CMYK` and so on. */
export function profileSpace(profile: Buffer): string {
  return profile.toString('latin1', 16, 20);
}

/**
 * What an ICC profile says of grey samples, or of RGB where it says it by curves and a matrix.
 * @returns undefined for tables, for other samples, and for profiles that are damaged
 */
export function readProfile(profile: Buffer, isGrey: boolean): Encoding | undefined {
  try {
    return read(profile, isGrey);
  } catch (error) {
    if (error instanceof RangeError) return undefined; // it ends before its numbers do
    throw error;
  }
}

function read(profile: Buffer, isGrey: boolean): Encoding | undefined {
  const space = profileSpace(profile);
  const tags = readTags(profile);
  const curve = (name: string) => {
    const tag = tags.get(name);
    return tag && readCurve(tag);
  };
  if (space === 'GRAY') {
    const grey = curve('kTRC');
    return (
      grey &&
      encodingOf(
        profile.toString('latin1', 20, 24) === 'Lab ' ? ofLightness(grey) : grey,
        undefined,
      )
    );
  }
  // Where there are tables they count.
  if (space !== 'RGB ' || tags.has('A2B0') || tags.has('A2B1')) return undefined;
  const [red, green, blue] = ['rTRC', 'gTRC', 'bTRC'].map(curve);
  if (!red || !green || !blue) return undefined;
  if (isGrey) return encodingOf(green, undefined);
  const [x, y, z] = ['rXYZ', 'gXYZ', 'bXYZ'].map((name) => {
    const tag = tags.get(name);
    return tag && ([fixed(tag, 8), fixed(tag, 12), fixed(tag, 16)] satisfies Vector);
  });
  if (!x || !y || !z) return undefined;
  const matrix = product(profileXyzToSrgb, transposed([x, y, z]));
  return { curves: [red, green, blue], matrix };
}

function readTags(profile: Buffer): ReadonlyMap<string, Buffer> {
  const tags = new Map<string, Buffer>();
  const count = Math.min(profile.readUInt32BE(128), 100);
  for (let entry = 132; entry < 132 + 12 * count; entry += 12) {
    const start = profile.readUInt32BE(entry + 4);
    const name = profile.toString('latin1', entry, entry + 4);
    tags.set(name, profile.subarray(start, start + profile.readUInt32BE(entry + 8)));
  }
  return tags;
}

/** The L* of CIELAB, from 0 to 1, to light. */
function ofLightness(curve: Curve): Curve {
  return (sample) => {
    const f = (100 * curve(sample) + 16) / 116;
    return f > 6 / 29 ? f ** 3 : (3 * 36 * (f - 4 / 29)) / 841;
  };
}

/** Of the types that a curve may have: `curv`, a table or a power, and `para`, a formula. */
function readCurve(tag: Buffer): Curve | undefined {
  const type = tag.toString('latin1', 0, 4);
  if (type === 'curv') {
    const count = tag.readUInt32BE(8);
    if (count === 0) return (sample) => sample;
    if (count === 1) return power(tag.readUInt16BE(12) / 256);
    tag.readUInt16BE(10 + 2 * count); // all of it is there
    return (sample) => {
      const at = Math.min(Math.max(sample, 0), 1) * (count - 1);
      const below = Math.min(Math.floor(at), count - 2);
      const [low, high] = [tag.readUInt16BE(12 + 2 * below), tag.readUInt16BE(14 + 2 * below)];
      return (low + (high - low) * (at - below)) / 65_535;
    };
  }
  return type === 'para' ? readFormula(tag) : undefined;
}

/** Five formulas, each with more of the numbers g a b c d e f. */
function readFormula(tag: Buffer): Curve | undefined {
  const kind = tag.readUInt16BE(8);
  const count = [1, 3, 4, 5, 7][kind];
  if (count === undefined) return undefined;
  const numbers = Array.from({ length: count }, (_, index) => fixed(tag, 12 + 4 * index));
  const [g = 1, a = 1, b = 0, c = 0, d = 0, e = 0, f = 0] = numbers;
  const isLinearBelow = kind > 2;
  const start = isLinearBelow ? d : -b / a;
  const added = isLinearBelow ? e : c;
  return (sample) => {
    if (sample >= start) return Math.max(a * sample + b, 0) ** g + added;
    return isLinearBelow ? c * sample + f : added;
  };
}
