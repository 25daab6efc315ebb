import { mostMetadataBytes, mostScans } from './limits.ts';
import { still, type Structure } from './types.ts';

const marker = { sos: 0xda, eoi: 0xd9, tem: 0x01, rst0: 0xd0, soi: 0xd8 } as const;

/** The markers of frame headers: all of 0xc0 to 0xcf but DHT, JPG and DAC. */
const isFrameHeader = (code: number) =>
  code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc;

interface Frame {
  readonly isSequential: boolean;
  readonly components: number;
  /** The most, by the component that is sampled finest. */
  readonly pixelsPerBit: number;
}

const endOfImage = Buffer.from([0xff, marker.eoi]);

/** Of stretches of garbage; sound files have none, and all browsers pass over some. */
const mostStray = 100;

/**
 * Walks a JPEG's segments, as libjpeg does: fill bytes and garbage between segments are passed over,
 * the contents of segments (thumbnails!) too, and EOI is the end. Coded data are searched only where
 * more than one scan counts.
 *
 * Mended is a file without its end, and with garbage before the first scan.
 */
export function walkJpeg(bytes: Buffer): Structure {
  let frame: Frame | undefined;
  let metadataBytes = 0;
  let scans = 0;
  let mostPixels = Infinity;
  let hasEnd = false;
  const sound: Buffer[] = [];
  let soundFrom = 0;
  let at = 2;
  while (scans <= mostScans && metadataBytes <= mostMetadataBytes) {
    const end = at;
    at = nextMarker(bytes, at);
    const code = bytes[at];
    if (scans === 0 && code !== undefined && at - 1 > end && sound.length < mostStray) {
      sound.push(bytes.subarray(soundFrom, end));
      soundFrom = at - 1;
    }
    at++;
    hasEnd = code === marker.eoi;
    if (code === undefined || hasEnd) break;
    if (code === marker.tem || (code >= marker.rst0 && code <= marker.soi)) continue;
    if (at + 2 > bytes.length) break;
    const length = bytes.readUInt16BE(at);
    if (length < 2 || at + length > bytes.length) break;
    if (isFrameHeader(code) && length >= 8) frame ??= readFrame(code, bytes, at);
    if (code === marker.sos) {
      scans++;
      const components = bytes[at + 2] ?? 0;
      if (scans === 1 && frame) {
        mostPixels = 8 * (bytes.length - at) * frame.pixelsPerBit;
        // All of it in the first scan: the decoder reads no other.
        if (frame.isSequential && components >= frame.components) {
          hasEnd = bytes.indexOf(endOfImage, at + length) >= 0;
          break;
        }
      }
    } else {
      metadataBytes += length;
    }
    at += length;
  }
  const isWhole = hasEnd || scans === 0;
  const mended = () =>
    Buffer.concat([...sound, bytes.subarray(soundFrom), isWhole ? Buffer.alloc(0) : endOfImage]);
  const isSound = isWhole && sound.length === 0;
  return { ...still, scans, metadataBytes, mostPixels, mended: isSound ? undefined : mended };
}

function readFrame(code: number, bytes: Buffer, at: number): Frame {
  const isSequential = code === 0xc0 || code === 0xc1;
  // Huffman codes have a bit at least: one says what a block's first coefficient is, in a
  // sequential scan one more that there are no others. Arithmetic coding takes what it likes.
  const isHuffman = code < 0xc8;
  const bitsPerBlock = isHuffman ? (isSequential ? 2 : 1) : 0;
  const components = bytes[at + 7] ?? 0;
  const sampling = Array.from({ length: components }, (_, index) => {
    const factors = bytes[at + 9 + 3 * index] ?? 0;
    return { h: factors >> 4, v: factors & 15 };
  });
  const whole = Math.max(...sampling.map(({ h }) => h)) * Math.max(...sampling.map(({ v }) => v));
  const finest = Math.max(...sampling.map(({ h, v }) => h * v)) / whole;
  return { isSequential, components, pixelsPerBit: 64 / (finest * bitsPerBlock) };
}

/** Where the code of the next marker stands: the byte behind 0xff that is neither 0 nor 0xff. */
function nextMarker(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    // Stuffed bytes may come thick or thin: a call costs as much as some steps.
    const near = Math.min(at + 16, bytes.length);
    while (at < near && bytes[at] !== 0xff) at++;
    if (bytes[at] !== 0xff) {
      at = bytes.indexOf(0xff, at);
      if (at < 0) return bytes.length;
    }
    while (bytes[at] === 0xff) at++;
    if (bytes[at] !== 0) return at;
  }
}
