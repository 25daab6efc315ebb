import type { Size } from '../../rgb-image.ts';

/**
 * Lossless WebP: what a decoder allocates for tables of Huffman codes. Each block of 4×4 pixels or
 * more may name one of 65,536 sets of five codes, on which a file spends 3 bytes and a decoder 12 KB.
 * Only what stands in front of the pixels is read, and of the small pictures in it no more than their
 * bits need: copies and cached colours name no set that has not been named.
 */

/** In bytes, of the tables of one set and what points to them. */
const setBytes = (cachedColors: number) => 4 * (2954 + cachedColors) + 640;

/**
 * What is read of all small pictures in a file, in 0.2 s: their pixels, and codes by what they cost.
 * libwebp's encoder makes 35,000 pixels of them, an older one of 128 pixels of the picture 1.
 */
export const mostWork = 2 ** 20;

/** Of a whole file. */
export interface Allowance {
  work: number;
}

/** The decoder refuses it. */
class Damaged extends Error {}
/** The allowance is used up. */
class Endless extends Error {}

/**
 * In bytes; 0 where it is nothing to speak of or the file is damaged, Infinity where `allowance` is used up.
 * @param data of a chunk VP8L behind its header of 5 bytes, or of ALPH behind its first
 */
export function tableBytes(data: Buffer, size: Size, allowance: Allowance): number {
  try {
    return readTables(createReader(data, allowance), size);
  } catch (error) {
    if (error instanceof Damaged) return 0;
    if (error instanceof Endless) return Infinity;
    throw error;
  }
}

const [predictor, crossColor, , colorIndexing] = [0, 1, 2, 3];

function readTables(bits: Reader, { width, height }: Size): number {
  bits.spend(64);
  let columns = width;
  const readBlocks = () => {
    const side = 2 ** (bits.read(3) + 2);
    return readSmall(bits, Math.ceil(columns / side) * Math.ceil(height / side));
  };
  for (let left = 4; bits.read(1) === 1; left--) {
    if (left === 0) throw new Damaged();
    const transform = bits.read(2);
    if (transform === predictor || transform === crossColor) readBlocks();
    else if (transform === colorIndexing) {
      const colors = bits.read(8) + 1;
      readSmall(bits, colors);
      columns = Math.ceil(columns / (colors > 16 ? 1 : colors > 4 ? 2 : colors > 2 ? 4 : 8));
    }
  }
  const cachedColors = readCache(bits);
  return bits.read(1) === 0 ? 0 : readBlocks() * setBytes(cachedColors);
}

function readCache(bits: Reader): number {
  return bits.read(1) === 0 ? 0 : 2 ** bits.read(4);
}

const literals = 256;
const lengths = 24;
const distances = 40;

/**
 * Reads a picture of so many pixels, which has one set of codes. Returns how many sets it names, in
 * red and green, at most.
 */
function readSmall(bits: Reader, pixels: number): number {
  bits.spend(pixels);
  const cachedColors = readCache(bits);
  const green = readCode(bits, literals + lengths + cachedColors);
  const [red, blue, alpha] = [1, 2, 3].map(() => readCode(bits, literals)) as [Code, Code, Code];
  const distance = readCode(bits, distances);
  let largest = 0;
  for (let left = pixels; left > 0;) {
    const symbol = bits.symbol(green);
    if (symbol < literals) {
      largest = Math.max(largest, bits.symbol(red) * 256 + symbol);
      bits.symbol(blue);
      bits.symbol(alpha);
      left--;
    } else if (symbol < literals + lengths) {
      left -= readNumber(bits, symbol - literals);
      readNumber(bits, bits.symbol(distance));
    } else left--;
  }
  return Math.min(largest + 1, pixels);
}

/** Of pixels copied, or how far away they are: from 1, small ones in fewer bits. */
function readNumber(bits: Reader, prefix: number): number {
  if (prefix < 4) return prefix + 1;
  const extra = (prefix - 2) >> 1;
  return (2 + (prefix & 1)) * 2 ** extra + bits.read(extra) + 1;
}

const longestCode = 15;
const orderOfLengths = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

function readCode(bits: Reader, symbols: number): Code {
  bits.spend(symbols >> 5);
  const lengths = new Uint8Array(symbols);
  if (bits.read(1) === 1) {
    const count = bits.read(1) + 1;
    lengths[bits.read(bits.read(1) === 0 ? 1 : 8)] = 1;
    if (count === 2) lengths[bits.read(8)] = 1;
    return codeOf(bits, lengths);
  }
  const ofLengths = new Uint8Array(orderOfLengths.length);
  const count = bits.read(4) + 4;
  for (const length of orderOfLengths.slice(0, count)) ofLengths[length] = bits.read(3);
  const code = codeOf(bits, ofLengths);
  let left = bits.read(1) === 0 ? symbols : 2 + bits.read(2 + 2 * bits.read(3));
  let previous = 8;
  for (let symbol = 0; symbol < symbols && left > 0; left--) {
    const length = bits.symbol(code);
    if (length <= longestCode) {
      lengths[symbol++] = length;
      if (length > 0) previous = length;
    } else {
      const [repeated, extra, least] =
        length === 16 ? [previous, 2, 3] : length === 17 ? [0, 3, 3] : [0, 7, 11];
      const end = symbol + bits.read(extra) + least;
      lengths.fill(repeated, symbol, end);
      symbol = end;
    }
  }
  return codeOf(bits, lengths);
}

/** By the next `bits` bits: 16 times the symbol, and how many of them it takes. */
interface Code {
  readonly bits: number;
  readonly entries: Uint16Array;
}

/** Canonical codes of these lengths, which must use up all bits. One symbol alone takes none. */
function codeOf(reader: Reader, lengths: Uint8Array): Code {
  const byLength = Array.from({ length: longestCode + 1 }, (): number[] => []);
  for (const [symbol, length] of lengths.entries()) byLength[length]?.push(symbol);
  const used = byLength.slice(1).flat();
  if (used.length === 1) return { bits: 0, entries: Uint16Array.of(16 * (used[0] ?? 0)) };
  const bits = byLength.findLastIndex((symbols, length) => length > 0 && symbols.length > 0);
  if (bits < 0) throw new Damaged();
  reader.spend(2 ** bits / 128);
  const entries = new Uint16Array(2 ** bits);
  let code = 0;
  for (let length = 1; length <= bits; length++) {
    for (const symbol of byLength[length] ?? []) {
      if (code >= 2 ** length) throw new Damaged();
      const entry = 16 * symbol + length;
      for (let at = reversed(code, length); at < entries.length; at += 2 ** length) {
        entries[at] = entry;
      }
      code++;
    }
    code *= 2;
  }
  if (code !== 2 ** (bits + 1)) throw new Damaged();
  return { bits, entries };
}

function reversed(code: number, length: number): number {
  let backwards = 0;
  for (let bit = 0; bit < length; bit++) backwards = 2 * backwards + ((code >> bit) & 1);
  return backwards;
}

interface Reader {
  /** So many bits, 18 at most, the lowest first. */
  read(count: number): number;
  symbol(code: Code): number;
  /** Of the allowance. */
  spend(work: number): void;
}

function createReader(bytes: Buffer, allowance: Allowance): Reader {
  let at = 0;
  const peek = () => {
    const byte = at >>> 3;
    const word =
      (bytes[byte] ?? 0) |
      ((bytes[byte + 1] ?? 0) << 8) |
      ((bytes[byte + 2] ?? 0) << 16) |
      ((bytes[byte + 3] ?? 0) << 24);
    return word >>> (at & 7);
  };
  const skip = (count: number) => {
    at += count;
    if (at > 8 * bytes.length) throw new Damaged();
  };
  return {
    read(count) {
      const value = peek() & (2 ** count - 1);
      skip(count);
      return value;
    },
    symbol({ bits, entries }) {
      const entry = entries[peek() & (2 ** bits - 1)] ?? 0;
      skip(entry & 15);
      return entry >> 4;
    },
    spend(work) {
      allowance.work -= work;
      if (allowance.work < 0) throw new Endless();
    },
  };
}
