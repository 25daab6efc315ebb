import { constants, inflateSync } from 'node:zlib';

import { mostMetadataBytes } from './limits.ts';
import { still, type Structure } from './types.ts';

const tag = (name: string) => Buffer.from(name, 'latin1').readUInt32BE();
const data = tag('IDAT');
const compressedText = tag('zTXt');
const internationalText = tag('iTXt');
const profile = tag('iCCP');
/** What decoders keep; they pass over frames of animations and whatever else editors put in. */
const kept = new Set([
  ...[compressedText, internationalText, profile],
  ...['tEXt', 'eXIf', 'sPLT', 'pCAL', 'sCAL'].map(tag),
]);

/** What libraries note of each chunk that they keep, about. */
const noteBytes = 100;

/** Deflate packs no more than so many bytes into one. */
const deflateRatio = 1032;
/** libpng unpacks no more of one chunk. */
const largestText = 8_000_000;
/** So many chunks are unpacked here to learn their size; of further ones the most is taken. */
const mostUnpacked = 100;

const channelsOf: Partial<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Walks the chunks of a PNG. */
export function walkPng(bytes: Buffer): Structure {
  const bitsPerPixel = (bytes[24] ?? 0) * (channelsOf[bytes[25] ?? 0] ?? 0);
  let metadataBytes = 0;
  let dataBytes = 0;
  let unpacked = 0;
  for (let at = 8; at + 12 <= bytes.length && metadataBytes <= mostMetadataBytes;) {
    const length = Math.min(bytes.readUInt32BE(at), bytes.length - at);
    const name = bytes.readUInt32BE(at + 4);
    if (name === data) dataBytes += length;
    else if (kept.has(name)) {
      const packed = findPacked(name, bytes.subarray(at + 8, at + 8 + length));
      let most = length;
      if (packed && metadataBytes + length <= mostMetadataBytes) {
        unpacked++;
        const size = unpacked > mostUnpacked ? mostOf(packed) : unpackedBytes(packed);
        most = Math.max(length, size);
      }
      metadataBytes += noteBytes + most;
    }
    at += 12 + length;
  }
  // A row's filter byte is in it for nothing.
  const mostPixels = bitsPerPixel === 0 ? Infinity : (dataBytes * deflateRatio * 8) / bitsPerPixel;
  return { ...still, metadataBytes, mostPixels };
}

/** What of a chunk is compressed, if anything. */
function findPacked(name: number, chunk: Buffer): Buffer | undefined {
  if (name !== compressedText && name !== internationalText && name !== profile) return undefined;
  const keyword = chunk.subarray(0, 80).indexOf(0);
  if (keyword < 0) return undefined; // the decoder takes no such chunk
  if (name !== internationalText) return chunk.subarray(keyword + 2);
  if (chunk[keyword + 1] === 0) return undefined;
  const language = chunk.indexOf(0, keyword + 3);
  const translated = chunk.indexOf(0, language + 1);
  return language < 0 || translated < 0 ? undefined : chunk.subarray(translated + 1);
}

function mostOf(packed: Buffer): number {
  return Math.min(packed.length * deflateRatio, largestText);
}

/** Damaged data count as the most that they may be. */
function unpackedBytes(packed: Buffer): number {
  const options = {
    chunkSize: 2 ** 16,
    maxOutputLength: largestText,
    finishFlush: constants.Z_SYNC_FLUSH, // what is cut short, too
  };
  try {
    return inflateSync(packed, options).length;
  } catch {
    return mostOf(packed);
  }
}
