import { constants, inflateSync } from 'node:zlib';

import { mostMetadataBytes } from './limits.ts';
import { chunksOf, tag } from './png-chunks.ts';
import { colorNames, readPngColor } from './png-color.ts';
import { endMended, fillsPicture, frameAlone, frameBytes } from './png-mended.ts';
import { still, type Structure } from './types.ts';

const data = tag('IDAT');
const compressedText = tag('zTXt');
const internationalText = tag('iTXt');
const profile = tag('iCCP');
const animation = tag('acTL');
const frameControl = tag('fcTL');
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

/**
 * Walks the chunks of a PNG.
 *
 * Mended is a file that ends in the middle of a chunk, and an animation whose first frame is not the
 * picture for those who know no animations: browsers show that frame.
 */
export function walkPng(bytes: Buffer): Structure {
  const bitsPerPixel = (bytes[24] ?? 0) * (channelsOf[bytes[25] ?? 0] ?? 0);
  const colors = new Map<number, Buffer>();
  let metadataBytes = 0;
  let dataBytes = 0;
  let dataAt: number | undefined;
  let unpacked = 0;
  let isAnimated = false;
  let isSequence = false;
  let mended: (() => Buffer) | undefined;
  for (const chunk of chunksOf(bytes)) {
    const { name, at, start, end } = chunk;
    const length = end - start;
    if (name === data) {
      dataAt ??= at;
      dataBytes += length;
    } else if (kept.has(name)) {
      const packed = findPacked(name, bytes.subarray(start, end));
      let most = length;
      if (packed && metadataBytes + length <= mostMetadataBytes) {
        unpacked++;
        const size = unpacked > mostUnpacked ? mostOf(packed) : unpackedBytes(packed);
        most = Math.max(length, size);
      }
      metadataBytes += noteBytes + most;
      if (metadataBytes > mostMetadataBytes) break;
    } else if (name === animation) {
      isAnimated = dataAt === undefined;
      isSequence = isAnimated && length >= 4 && bytes.readUInt32BE(start) > 1;
    }
    if (dataAt === undefined && colorNames.has(name) && !colors.has(name)) {
      colors.set(name, bytes.subarray(start, end));
    }
    if (name === frameControl && isAnimated) {
      isAnimated = false; // further frames do not count
      const length = frameBytes(bytes, chunk);
      if (dataAt !== undefined && fillsPicture(bytes, chunk) && length !== Infinity) {
        const headBytes = dataAt;
        dataBytes = length;
        mended = () => frameAlone(bytes, headBytes, chunk);
        break;
      }
    }
    if (!chunk.isWhole && dataAt !== undefined) mended = () => endMended(bytes, chunk);
  }
  // A row's filter byte is in it for nothing.
  const mostPixels = bitsPerPixel === 0 ? Infinity : (dataBytes * deflateRatio * 8) / bitsPerPixel;
  const encoding = readPngColor(colors);
  return { ...still, isSequence, metadataBytes, mostPixels, encoding, mended };
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
