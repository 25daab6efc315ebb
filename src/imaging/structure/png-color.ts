import { type Encoding, readCodes, readGamma, srgb } from '../color/encoding.ts';
import { tag } from './png-chunks.ts';

/** What a PNG may say of its colours, by name: the data of its chunks. */
export type ColorChunks = ReadonlyMap<number, Buffer>;

const codes = tag('cICP');
const profile = tag('iCCP');
const intent = tag('sRGB');
const gamma = tag('gAMA');
const places = tag('cHRM');
export const colorNames = new Set([codes, profile, intent, gamma, places]);

/**
 * The first of four ways that a PNG takes counts; a profile is the decoder's affair.
 * @returns undefined where sRGB or a profile is left
 */
export function readPngColor(chunks: ColorChunks): Encoding | undefined {
  const coded = chunks.get(codes);
  // RGB, and of full range: there is no other in PNG.
  if (coded?.length === 4 && coded[2] === 0 && coded[3] === 1) {
    const encoding = readCodes(coded[0] ?? 0, coded[1] ?? 0);
    if (encoding) return encoding === srgb && !chunks.has(profile) ? undefined : encoding;
  }
  const power = chunks.get(gamma);
  if (chunks.has(profile) || chunks.has(intent) || power?.length !== 4) return undefined;
  const numbers = chunks.get(places);
  const place = (at: number) => [fraction(numbers, at), fraction(numbers, at + 4)] as const;
  const chromaticities =
    numbers?.length === 32
      ? { white: place(0), red: place(8), green: place(16), blue: place(24) }
      : undefined;
  return readGamma(fraction(power, 0), chromaticities);
}

function fraction(numbers: Buffer | undefined, at: number): number {
  return (numbers?.readUInt32BE(at) ?? 0) / 100_000;
}
