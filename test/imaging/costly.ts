/** Valid files of few bytes that cost decoders much time or memory. */
import { deflateSync } from 'node:zlib';

import { plain, pngChunk, uint16, uint32 } from './files.ts';

const repeat = (bytes: Buffer, times: number) =>
  Buffer.concat(Array.from({ length: times }, () => bytes));

function segment(code: number, ...data: number[]): Buffer {
  return Buffer.concat([Buffer.from([0xff, code]), uint16(data.length + 2), Buffer.from(data)]);
}

/**
 * A black progressive JPEG; each scan but the first goes over the whole picture and says in some
 * bytes that nothing changes.
 */
export function scanBomb(width: number, height: number, scans: number): Buffer {
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
  // A code of 4 bits for each of EOB0 to EOB14, the end of 2^r to 2^(r+1) - 1 blocks.
  const runs: string[] = [];
  for (let left = blocks; left > 0;) {
    const size = Math.min(31 - Math.clz32(left), 14);
    const ended = Math.min(left, (2 << size) - 1);
    runs.push(size.toString(2).padStart(4, '0'));
    if (size > 0) runs.push((ended - (1 << size)).toString(2).padStart(size, '0'));
    left -= ended;
  }
  const bits = runs.join('');
  const coded = Array.from({ length: Math.ceil(bits.length / 8) }, (_, at) =>
    parseInt(bits.slice(8 * at, 8 * at + 8).padEnd(8, '1'), 2),
  ).flatMap((byte) => (byte === 0xff ? [0xff, 0] : [byte]));
  const scan = (index: number) => {
    const coefficient = 1 + (index % 63);
    return Buffer.concat([segment(0xda, 1, 1, 0, coefficient, coefficient, 0), Buffer.from(coded)]);
  };
  const zeros = (length: number) => Array.from({ length }, () => 0);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, 0, ...Array.from({ length: 64 }, () => 1)),
    segment(0xc2, 8, ...uint16(height), ...uint16(width), 1, 1, 0x11, 0),
    segment(0xc4, 0x00, 1, ...zeros(15), 0),
    segment(0xc4, 0x10, 0, 0, 0, 15, ...zeros(12), ...zeros(15).map((_, run) => run << 4)),
    segment(0xda, 1, 1, 0, 0, 0, 0),
    Buffer.alloc(Math.ceil(blocks / 8)),
    ...Array.from({ length: scans - 1 }, (_, index) => scan(index)),
    Buffer.from([0xff, 0xd9]),
  ]);
}

/** RIFF's chunk: name, length, data, padded. */
export function riffChunk(name: string, data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(data.length);
  return Buffer.concat([Buffer.from(name), length, data, Buffer.alloc(data.length & 1)]);
}

/** An animated WebP of square frames, each a still WebP, on a square canvas. */
export function webpOf(stills: readonly Buffer[], side: number, canvasSide = side): Buffer {
  const head = Buffer.alloc(16); // at 0, 0, size less one, duration, flags
  head.writeUIntLE(side - 1, 6, 3);
  head.writeUIntLE(side - 1, 9, 3);
  const canvas = Buffer.alloc(10);
  canvas.writeUInt8(2);
  canvas.writeUIntLE(canvasSide - 1, 4, 3);
  canvas.writeUIntLE(canvasSide - 1, 7, 3);
  const body = Buffer.concat([
    Buffer.from('WEBP'),
    riffChunk('VP8X', canvas),
    riffChunk('ANIM', Buffer.alloc(6)),
    ...stills.map((still) => riffChunk('ANMF', Buffer.concat([head, still.subarray(12)]))),
  ]);
  return riffChunk('RIFF', body);
}

/** An animated WebP of 64×64 with so many frames of 16×16. */
export async function webpOfFrames(frames: number): Promise<Buffer> {
  const still = await plain([9, 99, 199], 16, 16).webp({ lossless: true }).toBuffer();
  return webpOf(
    Array.from({ length: frames }, () => still),
    16,
    64,
  );
}

/** Bits of a lossless WebP, the lowest first. */
function bitWriter() {
  const bytes: number[] = [];
  let word = 0;
  let held = 0;
  return {
    put: (value: number, count: number): void => {
      word += value * 2 ** held;
      for (held += count; held >= 8; held -= 8) {
        bytes.push(word % 256);
        word = Math.floor(word / 256);
      }
    },
    end: () => Buffer.from([...bytes, word]),
  };
}

/**
 * What a lossless WebP has behind its header: in front of pixels that take no bits a set of codes for
 * each block of 4×4, up to 65,536, and as many small pictures of blocks before as `transforms` says.
 */
function codeSets(side: number, transforms = 0): Buffer {
  const { put, end } = bitWriter();
  const single = () => {
    put(1, 4); // one symbol: 0
  };
  const blocks = Math.ceil(side / 4) ** 2;
  const sets = Math.min(blocks, 65_536);
  for (let kind = 0; kind < transforms; kind++) {
    put(1, 1);
    put(kind, 2);
    put(0, 4); // blocks of 4×4, no cache
    for (let code = 0; code < 5; code++) single();
  }
  put(0, 2); // no more, no cache
  put(1, 1);
  put(0, 4);
  // Codes of 8 bits for each green, and for each red.
  for (const symbols of [280, 256]) {
    put(8 * 2, 5);
    for (const length of [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]) put(length, 3);
    put(0, 1);
    for (let symbol = 0; symbol < symbols; symbol++) put(symbol < 256 ? 1 : 0, 1);
  }
  for (let code = 0; code < 3; code++) single();
  const backwards = (byte: number) =>
    parseInt(byte.toString(2).padStart(8, '0').split('').reverse().join(''), 2);
  for (let block = 0; block < blocks; block++) {
    put(backwards(block % 256), 8);
    put(backwards((block % sets) >> 8), 8);
  }
  for (let code = 0; code < 5 * sets; code++) single();
  return end();
}

/** A lossless WebP of so many pixels a side, with all the sets of codes that it may have. */
export function webpOfCodes(side: number, transforms = 0): Buffer {
  const head = Buffer.alloc(5, 0x2f);
  head.writeUInt32LE(side - 1 + (side - 1) * 2 ** 14, 1);
  const data = Buffer.concat([head, codeSets(side, transforms)]);
  return riffChunk('RIFF', Buffer.concat([Buffer.from('WEBP'), riffChunk('VP8L', data)]));
}

/** The same in the opacity of a lossy WebP. */
export async function webpOfAlphaCodes(side: number): Promise<Buffer> {
  const webp = await plain([9, 99, 199], side, side, 0.5).webp().toBuffer();
  const at = webp.indexOf('ALPH');
  const end = at + 8 + webp.readUInt32LE(at + 4) + (webp.readUInt32LE(at + 4) & 1);
  const alpha = riffChunk('ALPH', Buffer.concat([Buffer.from([1]), codeSets(side)]));
  return riffChunk('RIFF', Buffer.concat([webp.subarray(8, at), alpha, webp.subarray(end)]));
}

/** A GIF with so many frames, all but the first of one pixel. */
export async function gifOfFrames(frames: number): Promise<Buffer> {
  const gif = await plain([9, 99, 199]).gif().toBuffer();
  const dot = Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0]);
  return Buffer.concat([gif.subarray(0, -1), repeat(dot, frames - 1), Buffer.from([0x3b])]);
}

/** A PNG with so many chunks of text, each of which unpacks to 8 MB. */
export async function pngOfTexts(texts: number, international = false): Promise<Buffer> {
  const png = await plain([9, 99, 199]).png().toBuffer();
  const packed = deflateSync(Buffer.alloc(7_900_000, 'a'));
  const head = Buffer.from(international ? 'k\0\x01\0\0\0' : 'k\0\0', 'latin1');
  const text = pngChunk(international ? 'iTXt' : 'zTXt', Buffer.concat([head, packed]));
  return Buffer.concat([png.subarray(0, 33), repeat(text, texts), png.subarray(33)]);
}

/** ISO's box: length, type, data. */
export function box(type: string, ...data: Buffer[]): Buffer {
  const body = Buffer.concat(data);
  return Buffer.concat([uint32(8 + body.length), Buffer.from(type), body]);
}

export const fullBox = (type: string, version: number, ...data: Buffer[]) =>
  box(type, uint32(version << 24), ...data);

/** The entry of an item in `iinf`. */
export const itemInfo = (id: number, type: string) =>
  fullBox('infe', 2, uint16(id), uint16(0), Buffer.from(`${type}\0`));

interface AvifGrid {
  readonly columns: number;
  readonly rows: number;
  /** In pixels. */
  readonly tile: number;
  /** Of the whole picture, in pixels. */
  readonly side: number;
}

/** An AVIF whose tiles are all the same item, of one colour. */
export async function avifGrid({ columns, rows, tile, side }: AvifGrid): Promise<Buffer> {
  const single = await plain([200, 80, 40], tile, tile).avif({ effort: 0 }).toBuffer();
  const data = single.subarray(single.indexOf('mdat') + 4);
  const config = single.indexOf('av1C') - 4;
  const layout = Buffer.concat([
    Buffer.from([0, 1, rows - 1, columns - 1]),
    uint32(side),
    uint32(side),
  ]);
  const size = (pixels: number) => fullBox('ispe', 0, uint32(pixels), uint32(pixels));
  const properties = [
    ...[single.subarray(config, config + single.readUInt32BE(config)), size(tile), size(side)],
    fullBox('pixi', 0, Buffer.from([3, 8, 8, 8])),
  ];
  const ofItems = Buffer.from([0, 1, 2, 3, 4, 0, 2, 3, 0x81, 2, 4]);
  const names = Array.from({ length: columns * rows }, () => uint16(2));
  const fileType = box('ftyp', Buffer.from('avif\0\0\0\0avifmif1miaf'));
  const meta = (start: number) =>
    fullBox(
      ...(['meta', 0] as const),
      fullBox('hdlr', 0, uint32(0), Buffer.from('pict'), Buffer.alloc(13)),
      fullBox('pitm', 0, uint16(1)),
      fullBox(
        ...(['iloc', 0, Buffer.from([0x44, 0]), uint16(2)] as const),
        ...[uint16(1), uint16(0), uint16(1), uint32(start), uint32(layout.length)],
        ...[uint16(2), uint16(0), uint16(1), uint32(start + layout.length), uint32(data.length)],
      ),
      fullBox('iinf', 0, uint16(2), itemInfo(1, 'grid'), itemInfo(2, 'av01')),
      box('iprp', box('ipco', ...properties), fullBox('ipma', 0, uint32(2), ofItems)),
      fullBox('iref', 0, box('dimg', uint16(1), uint16(names.length), ...names)),
    );
  const start = fileType.length + meta(0).length + 8;
  return Buffer.concat([fileType, meta(start), box('mdat', layout, data)]);
}

/** An AVIF whose one item holds its only frame so many times. */
export async function avifOfFrames(frames: number): Promise<Buffer> {
  const single = await plain([200, 80, 40], 1024, 1024).avif({ effort: 0 }).toBuffer();
  const start = single.indexOf('mdat') + 4;
  const data = single.subarray(start);
  const head = Buffer.from(single.subarray(0, start));
  head.writeUInt32BE(8 + frames * data.length, start - 8);
  head.writeUInt32BE(frames * data.length, head.indexOf(uint32(data.length)));
  return Buffer.concat([head, repeat(data, frames)]);
}
