import { still, type Structure } from './types.ts';

const tag = (name: string) => Buffer.from(name, 'latin1').readUInt32BE();
const data = tag('IDAT');
const compressedText = tag('zTXt');
const internationalText = tag('iTXt');

/** Deflate packs no more than so many bytes into one. */
const deflateRatio = 1032;
/** libpng unpacks no more of one chunk. */
const largestText = 8_000_000;

const channelsOf: Partial<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Walks the chunks of a PNG. */
export function walkPng(bytes: Buffer): Structure {
  const bitsPerPixel = (bytes[24] ?? 0) * (channelsOf[bytes[25] ?? 0] ?? 0);
  let metadataBytes = 0;
  let dataBytes = 0;
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = Math.min(bytes.readUInt32BE(at), bytes.length - at);
    const name = bytes.readUInt32BE(at + 4);
    if (name === data) dataBytes += length;
    else if (isCompressed(name, bytes, at + 8, length)) {
      metadataBytes += Math.min(length * deflateRatio, largestText);
    } else metadataBytes += length;
    at += 12 + length;
  }
  // A row's filter byte is in it for nothing.
  const mostPixels = bitsPerPixel === 0 ? Infinity : (dataBytes * deflateRatio * 8) / bitsPerPixel;
  return { ...still, metadataBytes, mostPixels };
}

function isCompressed(name: number, bytes: Buffer, start: number, length: number): boolean {
  if (name === compressedText) return true;
  if (name !== internationalText) return false;
  const keyword = bytes.subarray(start, start + Math.min(length, 80)).indexOf(0);
  return keyword < 0 || bytes[start + keyword + 1] !== 0;
}
