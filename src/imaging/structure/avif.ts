import { still, type Structure } from './types.ts';

/** Items that are made of others: tiles laid out, pictures laid over each other, a picture turned. */
const derived = new Set(['grid', 'iovl', 'iden', 'tmap']);

interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

interface Extent {
  readonly start: number;
  readonly end: number;
}

/** One item of the file: a picture, a tile of one, opacity, metadata. */
interface Item {
  type: string;
  extents: Extent[];
  /** From its `ispe` property. */
  pixels: number | undefined;
  /** The items it is made of, one as often as it is named, and its opacity. */
  readonly parts: number[];
}

/** By their ids. No item is but those that `iinf` lists: decoders know no others. */
type Items = ReadonlyMap<number, Item>;

/** Sound files have a few dozen, and boxes of items of some KiB; more would cost time here. */
const mostBoxes = 20_000;
const largestBox = 2 ** 20;

/** Of all items, since an extent may take no byte of the table; sound files have one an item. */
const mostExtents = 20_000;

/** Of one item; sound files have a few, and one for each of up to 4,096 tiles. */
const mostUnits = 20_000;

/** A grid of pictures with opacity and a gain map has three levels. */
const deepest = 4;

const unbounded: Structure = { ...still, codedPixels: Infinity };

/** Thrown where there is more of something than sound files have; the walk ends there. */
class Unbounded extends Error {}

/**
 * Follows what an AVIF's pictures are made of. A grid may name one tile any number of times, and one
 * item may hold any number of frames: `codedPixels` counts both as often as a decoder does.
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
  if (!meta) return still;
  const inside = boxes(bytes, meta.start + 4, meta.end);
  const tables = ['iinf', 'iloc', 'iref', 'iprp'].map((type) => find(inside, type));
  if (metas.length > 1 || tables.some((box) => box && box.end - box.start > largestBox)) {
    return unbounded;
  }

  const [iinf, iloc, iref, iprp] = tables;
  const items: Items = iinf ? readTypes(bytes, iinf) : new Map<number, Item>();
  if (iloc) readLocations(bytes, iloc, find(inside, 'idat'), items);
  if (iref) readReferences(bytes, iref, items);
  if (iprp) readSizes(bytes, iprp, items);

  let metadataBytes = meta.end - meta.start;
  for (const { type, extents } of items.values()) {
    if (type === 'av01') continue;
    metadataBytes += extents.reduce((sum, { start, end }) => sum + end - start, 0);
  }
  return { ...still, metadataBytes, codedPixels: mostCodedPixels(bytes, items) };
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

/** The boxes between start and end. @throws Unbounded for more than `mostBoxes` */
function boxes(bytes: Buffer, start: number, end: number): Box[] {
  const found: Box[] = [];
  for (let at = start; at + 8 <= end;) {
    const short = bytes.readUInt32BE(at);
    const head = short === 1 ? 16 : 8;
    if (at + head > end) break;
    const length =
      short === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : short === 0 ? end - at : short;
    if (length < head) break;
    if (found.length === mostBoxes) throw new Unbounded();
    const type = bytes.toString('latin1', at + 4, at + 8);
    found.push({ type, start: at + head, end: Math.min(at + length, end) });
    at += length;
  }
  return found;
}

function find(among: readonly Box[], type: string): Box | undefined {
  return among.find((box) => box.type === type);
}

/** Reads whole numbers of 0 to 8 bytes; past the end all are 0, and `left` says so. */
function createReader(bytes: Buffer, start: number, end: number) {
  let at = start;
  return {
    get left() {
      return end - at;
    },
    whole(length: number): number {
      let value = 0;
      for (let index = 0; index < length; index++) {
        value = value * 256 + (at < end ? (bytes[at] ?? 0) : 0);
        at++;
      }
      return value;
    },
  };
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
    items.set(id, { type: name, extents: [], pixels: undefined, parts: [] });
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
      const start = Math.min(base + reader.whole(offsetSize), bytes.length);
      const length = reader.whole(lengthSize) || bytes.length; // 0 is all that follows
      const end = Math.min(start + length, bytes.length);
      extentsLeft--;
      if (one) bytesLeft -= end - start;
      if (extentsLeft < 0 || bytesLeft < 0) throw new Unbounded();
      one?.extents.push({ start, end });
    }
  }
}

function readSizes(bytes: Buffer, iprp: Box, items: Items): void {
  const inside = boxes(bytes, iprp.start, iprp.end);
  const properties = inside.filter(({ type }) => type === 'ipco');
  const pixels = properties
    .flatMap(({ start, end }) => boxes(bytes, start, end))
    .map(({ type, start, end }) =>
      type === 'ispe' && end - start >= 12
        ? bytes.readUInt32BE(start + 4) * bytes.readUInt32BE(start + 8)
        : undefined,
    );
  for (const { type, start, end } of inside) {
    if (type !== 'ipma') continue;
    const reader = createReader(bytes, start, end);
    const version = reader.whole(1);
    const wide = (reader.whole(3) & 1) === 1;
    for (let count = reader.whole(4); count > 0 && reader.left > 0; count--) {
      const one = items.get(reader.whole(version < 1 ? 2 : 4));
      for (let named = reader.whole(1); named > 0 && reader.left > 0; named--) {
        const index = wide ? reader.whole(2) & 0x7fff : reader.whole(1) & 0x7f;
        const stated = pixels[index - 1];
        if (one && stated !== undefined) one.pixels = Math.max(stated, one.pixels ?? 0);
      }
    }
  }
}

function readReferences(bytes: Buffer, iref: Box, items: Items): void {
  const idSize = bytes[iref.start] === 0 ? 2 : 4;
  for (const { type, start, end } of boxes(bytes, iref.start + 4, iref.end)) {
    const reader = createReader(bytes, start, end);
    const from = reader.whole(idSize);
    for (let count = reader.whole(2); count > 0 && reader.left > 0; count--) {
      const to = reader.whole(idSize);
      if (type === 'dimg') items.get(from)?.parts.push(to);
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
