import type { Size } from '../../rgb-image.ts';
import { mostFrames, mostMetadataBytes } from './limits.ts';
import { still, type Structure } from './types.ts';
import { type Allowance, mostWork, tableBytes } from './vp8l.ts';

const tag = (name: string) => Buffer.from(name, 'latin1').readUInt32LE();
const frame = tag('ANMF');
const pictures = new Set(['VP8 ', 'VP8L', 'ANMF'].map(tag));
const pixels = new Set(['VP8 ', 'VP8L', 'ALPH', 'ANMF'].map(tag));
const [canvas, lossless, opacity] = ['VP8X', 'VP8L', 'ALPH'].map(tag);

/** In bytes, in front of a frame's own chunks. */
const frameHead = 16;
/** In front of a lossless picture's bits. */
const losslessHead = 5;

/** What libwebp notes of each chunk, about. */
const noteBytes = 24;

/**
 * Counts the chunks of a WebP, those of frames (ANMF) apart, and the tables of what has no loss.
 *
 * Mended is a file that ends before it says it does, without the chunk that is not all there.
 */
export function walkWebp(bytes: Buffer): Structure {
  let frames = 0;
  let metadataBytes = 0;
  let size: Size = { width: 0, height: 0 };
  const { readPart, frames: animation, tableBytes } = countTables();
  let at = 12;
  let hasPixels = false;
  while (at + 8 <= bytes.length) {
    const name = bytes.readUInt32LE(at);
    const length = bytes.readUInt32LE(at + 4);
    const isWhole = at + 8 + length <= bytes.length;
    if (name === frame) frames++;
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (name === canvas && data.length >= 10) size = readSize(data, 4);
    if (name === frame) animation.push(data);
    readPart(name, data, size);
    if (!pixels.has(name)) metadataBytes += Math.min(length, bytes.length - at);
    metadataBytes += noteBytes;
    if (!isWhole || frames > mostFrames || metadataBytes > mostMetadataBytes) break;
    hasPixels ||= pictures.has(name);
    at += 8 + length + (length & 1);
  }
  const isCut = hasPixels && bytes.readUInt32LE(4) + 8 > bytes.length;
  const mended = isCut ? () => cutAt(bytes, at) : undefined;
  return { ...still, frames: Math.max(frames, 1), metadataBytes, tableBytes, mended };
}

/** Tables of the codes of lossless pictures; of an animation no more frames are read than are asked for. */
function countTables() {
  const allowance = { work: mostWork };
  const frames: Buffer[] = [];
  let framesRead = 0;
  let most = 0;
  const readPart = (name: number, data: Buffer, size: Size): void => {
    if (most === Infinity) return;
    if (name === lossless) most = Math.max(most, tablesOfLossless(data, allowance));
    if (name === opacity) most = Math.max(most, tablesOfOpacity(data, size, allowance));
  };
  const tableBytes: Structure['tableBytes'] = (count) => {
    for (; framesRead < Math.min(count, frames.length); framesRead++) {
      readFrame(frames[framesRead] as Buffer, readPart);
    }
    return most;
  };
  return { readPart, frames, tableBytes };
}

function readFrame(data: Buffer, readPart: ReturnType<typeof countTables>['readPart']): void {
  if (data.length < frameHead) return;
  const size = readSize(data, 6);
  for (let at = frameHead; at + 8 <= data.length;) {
    const name = data.readUInt32LE(at);
    const length = data.readUInt32LE(at + 4);
    if (name === lossless || name === opacity) {
      readPart(name, data.subarray(at + 8, at + 8 + length), size);
    }
    at += 8 + length + (length & 1);
  }
}

function tablesOfOpacity(data: Buffer, size: Size, allowance: Allowance): number {
  const isCompressed = ((data[0] ?? 0) & 3) === 1;
  return isCompressed ? tableBytes(data.subarray(1), size, allowance) : 0;
}

function tablesOfLossless(data: Buffer, allowance: Allowance): number {
  if (data.length < losslessHead) return 0;
  const packed = data.readUInt32LE(1);
  const size = { width: 1 + (packed & 0x3fff), height: 1 + ((packed >> 14) & 0x3fff) };
  return tableBytes(data.subarray(losslessHead), size, allowance);
}

/** Each side is written less one, in three bytes. */
function readSize(bytes: Buffer, at: number): Size {
  return { width: 1 + bytes.readUIntLE(at, 3), height: 1 + bytes.readUIntLE(at + 3, 3) };
}

/** What stands before `end`, which may be a byte behind the file for want of padding. */
function cutAt(bytes: Buffer, end: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(end - 8);
  const padding = Buffer.alloc(Math.max(end - bytes.length, 0));
  return Buffer.concat([bytes.subarray(0, 4), length, bytes.subarray(8, end), padding]);
}
