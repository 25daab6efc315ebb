import { type Encoding, readCodes, srgb } from '../color/encoding.ts';
import { findFirstFrame, frameAlone } from './avif-sequence.ts';
import { type Box, boxes, createReader, find, Unbounded } from './boxes.ts';
import { still, type Structure } from './types.ts';

/** Items that are made of others: tiles laid out, pictures laid over each other, a picture turned. */
const derived = new Set(['grid', 'iovl', 'iden', 'tmap']);

interface Extent {
  readonly start: number;
  readonly end: number;
  /** Where it should end, if the file did not before. */
  readonly stated: number;
}

/** One item of the file: a picture, a tile of one, opacity, metadata. */
interface Item {
  type: string;
  extents: Extent[];
  /** From its `ispe` property. */
  pixels: number | undefined;
  /** From its `colr` properties. */
  color: Color | undefined;
  /** The items it is made of, one as often as it is named, and its opacity. */
  readonly parts: number[];
  /** Its colours were multiplied by its opacity. */
  isPremultiplied: boolean;
}

/** Two numbers of H.273, or a profile, which is the decoder's affair. */
type Color = readonly [primaries: number, transfer: number] | 'profile';

/** What of a property counts here. */
interface Property {
  readonly pixels?: number;
  readonly color?: Color;
}

/** By their ids. No item is but those that `iinf` lists: decoders know no others. */
type Items = ReadonlyMap<number, Item>;

/** Of boxes of items; sound files have some KiB, more would cost time here. */
const largestBox = 2 ** 20;

/** Of all items, since an extent may take no byte of the table; sound files have one an item. */
const mostExtents = 20_000;

/** Of one item; sound files have a few, and one for each of up to 4,096 tiles. */
const mostUnits = 20_000;

/** A grid of pictures with opacity and a gain map has three levels. */
const deepest = 4;

const unbounded: Structure = { ...still, codedPixels: Infinity };

/**
 * Follows what an AVIF's pictures are made of. A grid may name one tile any number of times, and one
 * item may hold any number of frames: `codedPixels` counts both as often as a decoder does.
 *
 * Mended is a sequence, and a file that lacks metadata behind its pictures.
 */
export function walkAvif(bytes: Buffer): Structure {
  try {
    return walk(bytes);
  } catch (error) {
    if (error instanceof Unbounded) return unbounded;
    throw error;
  }
}

function walk(bytes: Buffer): Structure {
  const outside = boxes(bytes, 0, bytes.length);
  const metas = outside.filter(({ type }) => type === 'meta');
  const [meta] = metas;
  const sequence = find(outside, 'moov');
  if (!meta) return sequence ? walkSequence(bytes, sequence) : still;
  const inside = boxes(bytes, meta.start + 4, meta.end);
  const tables = ['iinf', 'iloc', 'iref', 'iprp'].map((type) => find(inside, type));
  if (metas.length > 1 || tables.some((box) => box && box.end - box.start > largestBox)) {
    return unbounded;
  }

  const [iinf, iloc, iref, iprp] = tables;
  const items: Items = iinf ? readTypes(bytes, iinf) : new Map<number, Item>();
  if (iloc) readLocations(bytes, iloc, find(inside, 'idat'), items);
  if (iref) readReferences(bytes, iref, items);
  if (iprp) readProperties(bytes, iprp, items);

  const pitm = find(inside, 'pitm');
  const shown = pitm && items.get(readPrimary(bytes, pitm));
  if (!shown && sequence) return walkSequence(bytes, sequence);
  let metadataBytes = meta.end - meta.start;
  let end = bytes.length;
  let isWhole = true;
  for (const { type, extents } of items.values()) {
    const stated = Math.max(0, ...extents.map((extent) => extent.stated));
    if (type === 'av01') {
      isWhole &&= stated <= bytes.length;
    } else {
      metadataBytes += extents.reduce((sum, { start, end }) => sum + end - start, 0);
      end = Math.max(end, stated);
    }
  }
  const missing = isWhole ? end - bytes.length : 0;
  return {
    ...still,
    isSequence: sequence !== undefined,
    metadataBytes: metadataBytes + missing,
    codedPixels: mostCodedPixels(bytes, items),
    encoding: readColor(items, shown),
    isPremultiplied: shown?.isPremultiplied ?? false,
    mended: sequence || missing > 0 ? () => asStill(bytes, sequence, missing) : undefined,
  };
}

function readPrimary(bytes: Buffer, { start, end }: Box): number {
  const reader = createReader(bytes, start, end);
  const version = reader.whole(1);
  reader.whole(3);
  return reader.whole(version === 0 ? 2 : 4);
}

/** Of the first box; sound files have some dozens of brands in it, more would cost time here. */
const mostBrands = 1024;

/**
 * The picture beside a sequence alone, under the brand by which decoders know it, and with so many
 * bytes of metadata that are missing.
 */
function asStill(bytes: Buffer, sequence: Box | undefined, missing: number): Buffer {
  const copy = Buffer.concat([bytes, Buffer.alloc(missing)]);
  if (!sequence) return copy;
  copy.write('free', sequence.at + 4, 'latin1');
  const end = Math.min(copy.readUInt32BE(0), 8 + 4 * mostBrands);
  for (let at = 8; at + 4 <= end; at += 4) {
    if (/^(avis|msf1)$/.test(copy.toString('latin1', at, at + 4))) copy.write('avif', at, 'latin1');
  }
  return copy;
}

/** A sequence without a picture beside it: its first frame becomes a file of its own. */
function walkSequence(bytes: Buffer, moov: Box): Structure {
  const frame = findFirstFrame(bytes, moov);
  if (!frame) return still;
  const mended = () => frameAlone(frame);
  return { ...walk(mended()), isSequence: true, mended };
}

/** Of all items, since any may be shown or be the opacity of the one that is. */
function mostCodedPixels(bytes: Buffer, items: Items): number {
  const costs = new Map<Item, number>();
  const costOf = (item: Item, depth: number): number => {
    const known = costs.get(item);
    if (known !== undefined) return known;
    if (depth > deepest) return Infinity; // made of itself
    let cost = ownPixels(bytes, item);
    for (const id of item.parts) {
      const part = items.get(id);
      if (part) cost += costOf(part, depth + 1);
    }
    costs.set(item, cost);
    return cost;
  };
  let most = 0;
  for (const item of items.values()) most = Math.max(most, costOf(item, 0));
  return most;
}

function ownPixels(bytes: Buffer, { type, pixels, extents }: Item): number {
  if (derived.has(type)) return 0;
  if (type !== 'av01') return pixels ?? 0;
  return (pixels ?? Infinity) * Math.max(1, countFrames(bytes, extents));
}

function readTypes(bytes: Buffer, iinf: Box): Items {
  const items = new Map<number, Item>();
  const counted = bytes[iinf.start] === 0 ? 2 : 4;
  for (const { type, start, end } of boxes(bytes, iinf.start + 4 + counted, iinf.end)) {
    if (type !== 'infe') continue;
    const reader = createReader(bytes, start, end);
    const version = reader.whole(1);
    reader.whole(3);
    const id = reader.whole(version === 3 ? 4 : 2);
    reader.whole(2);
    const name = String.fromCharCode(...[1, 1, 1, 1].map((one) => reader.whole(one)));
    items.set(id, {
      ...{ type: name, extents: [], pixels: undefined, color: undefined, parts: [] },
      isPremultiplied: false,
    });
  }
  return items;
}

/** @throws Unbounded for more than `mostExtents`, and for what names more bytes than it may */
function readLocations(bytes: Buffer, iloc: Box, idat: Box | undefined, items: Items): void {
  const reader = createReader(bytes, iloc.start, iloc.end);
  const version = reader.whole(1);
  reader.whole(3);
  const sizes = reader.whole(2);
  const offsetSize = sizes >> 12;
  const lengthSize = (sizes >> 8) & 15;
  const baseSize = (sizes >> 4) & 15;
  const indexSize = version === 0 ? 0 : sizes & 15;
  let extentsLeft = mostExtents;
  // Sound files name no byte twice.
  let bytesLeft = 2 * bytes.length;
  for (let count = reader.whole(version < 2 ? 2 : 4); count > 0 && reader.left > 0; count--) {
    const one = items.get(reader.whole(version < 2 ? 2 : 4));
    const method = version === 0 ? 0 : reader.whole(2) & 15;
    reader.whole(2);
    const base = reader.whole(baseSize) + (method === 1 ? (idat?.start ?? 0) : 0);
    for (let extents = reader.whole(2); extents > 0 && reader.left > 0; extents--) {
      reader.whole(indexSize);
      const offset = base + reader.whole(offsetSize);
      const length = reader.whole(lengthSize);
      const stated = length === 0 ? bytes.length : offset + length; // 0 is all that follows
      const start = Math.min(offset, bytes.length);
      const end = Math.min(stated, bytes.length);
      extentsLeft--;
      if (one) bytesLeft -= end - start;
      if (extentsLeft < 0 || bytesLeft < 0) throw new Unbounded();
      one?.extents.push({ start, end, stated });
    }
  }
}

function readProperties(bytes: Buffer, iprp: Box, items: Items): void {
  const inside = boxes(bytes, iprp.start, iprp.end);
  const properties = inside
    .filter(({ type }) => type === 'ipco')
    .flatMap(({ start, end }) => boxes(bytes, start, end))
    .map((box) => readProperty(bytes, box));
  for (const { type, start, end } of inside) {
    if (type !== 'ipma') continue;
    const reader = createReader(bytes, start, end);
    const version = reader.whole(1);
    const wide = (reader.whole(3) & 1) === 1;
    for (let count = reader.whole(4); count > 0 && reader.left > 0; count--) {
      const one = items.get(reader.whole(version < 1 ? 2 : 4));
      for (let named = reader.whole(1); named > 0 && reader.left > 0; named--) {
        const index = wide ? reader.whole(2) & 0x7fff : reader.whole(1) & 0x7f;
        const { pixels, color } = properties[index - 1] ?? {};
        if (one && pixels !== undefined) one.pixels = Math.max(pixels, one.pixels ?? 0);
        if (one && color !== undefined && one.color !== 'profile') one.color = color;
      }
    }
  }
}

function readProperty(bytes: Buffer, { type, start, end }: Box): Property {
  const reader = createReader(bytes, start, end);
  if (type === 'ispe' && end - start >= 12) {
    reader.whole(4);
    return { pixels: reader.whole(4) * reader.whole(4) };
  }
  if (type !== 'colr') return {};
  if (bytes.toString('latin1', start, start + 4) !== 'nclx') return { color: 'profile' };
  reader.whole(4);
  return { color: [reader.whole(2), reader.whole(2)] };
}

/** Curves of video, and none: browsers take them for sRGB's in AVIF. */
const likeSrgb = new Set([1, 2, 6, 14, 15]);
const unspecified = 2;

/** Of the picture that is shown; what a grid has not said its tiles say. */
function readColor(items: Items, shown: Item | undefined): Encoding | undefined {
  const parts = shown?.parts.map((id) => items.get(id)) ?? [];
  const color = [shown, ...parts].find((item) => item?.color)?.color;
  if (color === undefined || color === 'profile') return undefined;
  const [primaries, transfer] = color;
  const encoding = readCodes(
    primaries === unspecified ? 1 : primaries,
    likeSrgb.has(transfer) ? 13 : transfer,
  );
  return encoding === srgb ? undefined : encoding;
}

function readReferences(bytes: Buffer, iref: Box, items: Items): void {
  const idSize = bytes[iref.start] === 0 ? 2 : 4;
  for (const { type, start, end } of boxes(bytes, iref.start + 4, iref.end)) {
    const reader = createReader(bytes, start, end);
    const from = reader.whole(idSize);
    const source = items.get(from);
    if (source && type === 'prem') source.isPremultiplied = true;
    for (let count = reader.whole(2); count > 0 && reader.left > 0; count--) {
      const to = reader.whole(idSize);
      if (type === 'dimg') source?.parts.push(to);
      // Opacity names the picture that it belongs to.
      if (type === 'auxl') items.get(to)?.parts.push(from);
    }
  }
}

/**
 * Counts the frames among the open bitstream units (AV1, section 5.3) of an item.
 * @throws Unbounded for more than `mostUnits`
 */
function countFrames(bytes: Buffer, extents: readonly Extent[]): number {
  const [first] = extents;
  if (!first) return 0;
  const units =
    extents.length === 1
      ? bytes.subarray(first.start, first.end)
      : Buffer.concat(extents.map(({ start, end }) => bytes.subarray(start, end)));
  let frames = 0;
  for (let at = 0, count = 1; at < units.length; count++) {
    if (count > mostUnits) throw new Unbounded();
    const head = units[at] ?? 0;
    const type = (head >> 3) & 15;
    if (type === 3 || type === 6) frames++; // a frame's header, alone or before its data
    at += head & 4 ? 2 : 1;
    if (!(head & 2)) break; // without a length it is the last
    let length = 0;
    for (let shift = 0; shift < 56; shift += 7) {
      const byte = units[at++] ?? 0;
      length += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    at += length;
  }
  return frames;
}
