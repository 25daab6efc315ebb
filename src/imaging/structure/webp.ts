import { mostFrames, mostMetadataBytes } from './limits.ts';
import { still, type Structure } from './types.ts';

const tag = (name: string) => Buffer.from(name, 'latin1').readUInt32LE();
const frame = tag('ANMF');
const pixels = new Set(['VP8 ', 'VP8L', 'ALPH', 'ANMF'].map(tag));

/** What libwebp notes of each chunk, about. */
const noteBytes = 24;

/** Counts the chunks of a WebP, those of frames (ANMF) apart. */
export function walkWebp(bytes: Buffer): Structure {
  let frames = 0;
  let metadataBytes = 0;
  for (let at = 12; at + 8 <= bytes.length;) {
    const name = bytes.readUInt32LE(at);
    const length = bytes.readUInt32LE(at + 4);
    if (name === frame) frames++;
    if (!pixels.has(name)) metadataBytes += Math.min(length, bytes.length - at);
    metadataBytes += noteBytes;
    if (frames > mostFrames || metadataBytes > mostMetadataBytes) break;
    at += 8 + length + (length & 1);
  }
  return { ...still, frames: Math.max(frames, 1), metadataBytes };
}
