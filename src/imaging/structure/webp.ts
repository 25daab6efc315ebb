import { mostFrames, mostMetadataBytes } from './limits.ts';
import { still, type Structure } from './types.ts';

const tag = (name: string) => Buffer.from(name, 'latin1').readUInt32LE();
const frame = tag('ANMF');
const pictures = new Set(['VP8 ', 'VP8L', 'ANMF'].map(tag));
const pixels = new Set(['VP8 ', 'VP8L', 'ALPH', 'ANMF'].map(tag));

/** What libwebp notes of each chunk, about. */
const noteBytes = 24;

/**
 * Counts the chunks of a WebP, those of frames (ANMF) apart.
 *
 * Mended is a file that ends before it says it does, without the chunk that is not all there.
 */
export function walkWebp(bytes: Buffer): Structure {
  let frames = 0;
  let metadataBytes = 0;
  let at = 12;
  let hasPixels = false;
  while (at + 8 <= bytes.length) {
    const name = bytes.readUInt32LE(at);
    const length = bytes.readUInt32LE(at + 4);
    const isWhole = at + 8 + length <= bytes.length;
    if (name === frame) frames++;
    if (!pixels.has(name)) metadataBytes += Math.min(length, bytes.length - at);
    metadataBytes += noteBytes;
    if (!isWhole || frames > mostFrames || metadataBytes > mostMetadataBytes) break;
    hasPixels ||= pictures.has(name);
    at += 8 + length + (length & 1);
  }
  const isCut = hasPixels && bytes.readUInt32LE(4) + 8 > bytes.length;
  const mended = isCut ? () => cutAt(bytes, at) : undefined;
  return { ...still, frames: Math.max(frames, 1), metadataBytes, mended };
}

/** What stands before `end`, which may be a byte behind the file for want of padding. */
function cutAt(bytes: Buffer, end: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(end - 8);
  const padding = Buffer.alloc(Math.max(end - bytes.length, 0));
  return Buffer.concat([bytes.subarray(0, 4), length, bytes.subarray(8, end), padding]);
}
