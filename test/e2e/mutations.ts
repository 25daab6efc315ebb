/** Pictures that are broken in the ways in which files and attackers break them. */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';

import { animation, noise } from '../imaging/files.ts';

export type Random = () => number;

/** Small sound pictures of every format and kind that is read, of our own making. */
export async function soundPictures(): Promise<Buffer[]> {
  const plate = sharp(await readFile(new URL('../../models/styles/woodcut.jpg', import.meta.url)));
  const small = (width: number) => plate.clone().resize(width);
  const translucent = () => noise(48, 40, 4);
  return Promise.all([
    small(120).jpeg().toBuffer(),
    small(96).jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).withExif({}).toBuffer(),
    small(64).grayscale().jpeg().toBuffer(),
    small(64).toColourspace('cmyk').jpeg().toBuffer(),
    small(80).png().toBuffer(),
    small(64).png({ palette: true }).toBuffer(),
    small(64).png({ progressive: true }).withMetadata({ icc: 'p3' }).toBuffer(),
    small(48).toColourspace('rgb16').png().toBuffer(),
    translucent().png().toBuffer(),
    small(96).webp().toBuffer(),
    small(48).webp({ lossless: true }).toBuffer(),
    translucent().webp().toBuffer(),
    animation().webp({ loop: 0, delay: 20 }).toBuffer(),
    animation().gif({ loop: 0, delay: 20 }).toBuffer(),
    small(64).gif().toBuffer(),
    small(64).avif({ effort: 0 }).toBuffer(),
    translucent().avif({ effort: 0 }).toBuffer(),
  ]);
}

type Mutation = (bytes: Buffer, random: Random, others: readonly Buffer[]) => Buffer;

const below = (random: Random, end: number) => Math.floor(random() * end);

/** Where it hurts most: headers lie in front. */
const place = (random: Random, { length }: Buffer) =>
  below(random, random() < 0.5 ? Math.min(length, 64) : length);

const mutations: readonly Mutation[] = [
  function cutShort(bytes, random) {
    return bytes.subarray(0, below(random, bytes.length));
  },
  function invertBits(bytes, random) {
    const copy = Buffer.from(bytes);
    for (let left = 1 + below(random, 8); left > 0; left--) {
      const at = place(random, copy);
      copy[at] = (copy[at] ?? 0) ^ (1 << below(random, 8));
    }
    return copy;
  },
  function extremeNumber(bytes, random) {
    const copy = Buffer.from(bytes);
    const extremes = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff];
    const number = extremes[below(random, extremes.length)] ?? 0;
    const at = place(random, copy);
    if (at + 4 > copy.length) return copy.subarray(0, at);
    if (random() < 0.5) copy.writeUInt32BE(number, at);
    else copy.writeUInt32LE(number, at);
    return copy;
  },
  function leaveOut(bytes, random) {
    const at = place(random, bytes);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(random, 300))]);
  },
  function repeat(bytes, random) {
    const at = place(random, bytes);
    const part = bytes.subarray(at, at + 1 + below(random, 300));
    const times = 1 + below(random, 40);
    const copies = Array.from({ length: times }, () => part);
    return Buffer.concat([bytes.subarray(0, at), ...copies, bytes.subarray(at)]);
  },
  function insertNoise(bytes, random) {
    const at = place(random, bytes);
    const noise = Buffer.from(Array.from({ length: below(random, 200) }, () => below(random, 256)));
    return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
  },
  /** Tables of an AVIF that name more than is there, in numbers of no bytes. */
  function promiseMuch(bytes, random) {
    const copy = Buffer.from(bytes);
    const table = ['iloc', 'iinf', 'iref', 'ipma'][below(random, 4)] ?? '';
    const at = copy.indexOf(table);
    if (at < 0) return copy;
    const end = Math.min(at + 40, copy.length);
    copy.fill(random() < 0.5 ? 0 : 0xff, Math.min(at + 8 + below(random, 16), end), end);
    return copy;
  },
  function goOnAsAnother(bytes, random, others) {
    const other = others[below(random, others.length)] ?? bytes;
    const at = place(random, bytes);
    return Buffer.concat([bytes.subarray(0, at), other.subarray(place(random, other))]);
  },
];

/** One to three of them, one upon the other. */
export function mutate(bytes: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  let mutated = bytes;
  for (let left = 1 + below(random, 3); left > 0; left--) {
    if (mutated.length === 0) break;
    const mutation = mutations[below(random, mutations.length)] as Mutation;
    mutated = mutation(mutated, random, others);
  }
  return mutated;
}
