import { crc32, deflateSync } from 'node:zlib';

import sharp, { type Sharp } from 'sharp';

import { configureImaging } from '../../src/imaging/configure.ts';
import { type ContentLimits, openContent } from '../../src/imaging/decode.ts';

configureImaging({ threads: 1 });

export type Rgb = readonly [red: number, green: number, blue: number];

/** Raw pixels as a lossless PNG, of 8 bits a sample or the same in 16. */
export function png(data: Buffer, width: number, channels: 1 | 3 | 4, bits: 8 | 16 = 8) {
  const samples = bits === 8 ? data : Uint16Array.from(data, (byte) => 257 * byte);
  const raw = { width, height: data.length / width / channels, channels };
  const space = channels === 1 ? (bits === 8 ? 'b-w' : 'grey16') : bits === 8 ? 'srgb' : 'rgb16';
  return sharp(samples, { raw }).toColourspace(space).png({ palette: false }).toBuffer();
}

/** A picture of one colour; with `opacity` (0..1) it has an alpha channel. */
export function plain([r, g, b]: Rgb, width = 32, height = 32, opacity?: number): Sharp {
  const channels = opacity === undefined ? 3 : 4;
  const background = { r, g, b, alpha: opacity ?? 1 };
  return sharp({ create: { width, height, channels, background } });
}

/** Bytes of which none tells the next; the same in every run. */
export function noisePixels(length: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(length);
  let state = 1;
  for (let at = 0; at < data.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    data[at] = state >>> 24;
  }
  return data;
}

/** A picture of which no pixel is like its neighbour; with `channels` 4 its opacity neither. */
export function noise(width = 96, height = 64, channels: 3 | 4 = 3): Sharp {
  const raw = { width, height, channels };
  return sharp(noisePixels(channels * width * height), { raw, limitInputPixels: false });
}

/** Two frames of 32×32, red then blue. */
export function animation(): Sharp {
  const frame = (color: Rgb) => Buffer.alloc(32 * 32 * 3, Buffer.from(color));
  return sharp(Buffer.concat([frame([255, 0, 0]), frame([0, 0, 255])]), {
    raw: { width: 32, height: 64, channels: 3, pageHeight: 32 },
  });
}

/** Bytes of raw pixels, whatever `pixel` says at x, y. */
export function pixels(
  width: number,
  height: number,
  pixel: (x: number, y: number) => readonly number[],
): Buffer {
  return Buffer.from(
    Array.from({ length: width * height }, (_, at) =>
      pixel(at % width, Math.floor(at / width)),
    ).flat(),
  );
}

/** A copy with the byte at `part` (0..1) of its length inverted. */
export function flipped(bytes: Buffer, part: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = Math.floor(bytes.length * part);
  copy.writeUInt8(copy.readUInt8(at) ^ 0xff, at);
  return copy;
}

/** PNG's chunk: length, type, data, CRC. */
export function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  return Buffer.concat([uint32(data.length), body, uint32(crc32(body))]);
}

/** Puts a chunk right behind a PNG's header. */
export function withPngChunk(png: Buffer, type: string, data: Buffer): Buffer {
  return withPngChunks(png, { [type]: data });
}

/** A PNG of 8 bits a channel; colour type 2 is RGB, 4 grey and alpha. */
function pngOf(width: number, height: number, colourType: 2 | 4, scanlines: Buffer): Buffer {
  const depthAndType = Buffer.from([8, colourType, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', Buffer.concat([uint32(width), uint32(height), depthAndType])),
    pngChunk('IDAT', deflateSync(scanlines)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A PNG of a few hundred bytes whose header claims the size. */
export function pngClaiming(width: number, height: number): Buffer {
  return pngOf(width, height, 2, Buffer.alloc(65_536));
}

/** A PNG of 16×16 with grey and alpha, which sharp itself never writes. */
export function greyAlphaPng(grey: number, alpha: number): Buffer {
  const row = [0, ...Array.from({ length: 16 }, () => [grey, alpha]).flat()];
  return pngOf(16, 16, 4, Buffer.from(Array.from({ length: 16 }, () => row).flat()));
}

/** A JPEG whose frame header claims another size than its data have. */
export function jpegClaiming(jpeg: Buffer, width: number, height: number): Buffer {
  const claiming = Buffer.from(jpeg);
  const frame = claiming.indexOf(Buffer.from([0xff, 0xc0]));
  claiming.writeUInt16BE(height, frame + 5);
  claiming.writeUInt16BE(width, frame + 7);
  return claiming;
}

/** The data of an iCCP chunk. */
export function iccChunk(profile: Buffer): Buffer {
  return Buffer.concat([Buffer.from('icc\0\0', 'latin1'), deflateSync(profile)]);
}

/** A GIF whose screen and first frame claim another size than its data have. */
export function gifClaiming(gif: Buffer, width: number, height: number): Buffer {
  const claiming = Buffer.from(gif);
  const screen = gif.subarray(6, 10);
  const frame = gif.indexOf(Buffer.concat([Buffer.from([0x2c, 0, 0, 0, 0]), screen])) + 5;
  for (const at of [6, frame]) {
    claiming.writeUInt16LE(width, at);
    claiming.writeUInt16LE(height, at + 2);
  }
  return claiming;
}

export function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function s15Fixed16(value: number): Buffer {
  return uint32(Math.round(value * 65_536) >>> 0);
}

export async function decodeContent(bytes: Buffer, limits: ContentLimits) {
  const content = await openContent(bytes, limits);
  return { ...content, ...(await content.decode()) };
}

/** A JPEG's segment. */
export function jpegSegment(code: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0xff, code]), uint16(data.length + 2), data]);
}

/** Puts a profile right behind a JPEG's begin. */
export function withJpegProfile(jpeg: Buffer, profile: Buffer): Buffer {
  const data = Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1'), profile]);
  return Buffer.concat([jpeg.subarray(0, 2), jpegSegment(0xe2, data), jpeg.subarray(2)]);
}

/** The data of PNG's gAMA, and of its cHRM (white, red, green, blue; x and y each). */
export const hundredThousandths = (...values: number[]) =>
  Buffer.concat(values.map((value) => uint32(Math.round(100_000 * value))));

/** Puts chunks right behind a PNG's header. */
export function withPngChunks(png: Buffer, chunks: Readonly<Record<string, Buffer>>): Buffer {
  const added = Object.entries(chunks).map(([type, data]) => pngChunk(type, data));
  return Buffer.concat([png.subarray(0, 33), ...added, png.subarray(33)]);
}

/** An ICC profile of so many tags. */
function profileOf(
  space: 'GRAY' | 'RGB ',
  tags: Readonly<Record<string, Buffer>>,
  pcs: 'XYZ ' | 'Lab ' = 'XYZ ',
): Buffer {
  const bodies: Buffer[] = [];
  const table: Buffer[] = [uint32(Object.keys(tags).length)];
  let at = 128 + 4 + Object.keys(tags).length * 12;
  for (const [name, data] of Object.entries(tags)) {
    const padded = Buffer.concat([data, Buffer.alloc(-data.length & 3)]);
    table.push(Buffer.from(name, 'latin1'), uint32(at), uint32(data.length));
    bodies.push(padded);
    at += padded.length;
  }
  const header = Buffer.alloc(128);
  header.writeUInt32BE(at, 0);
  header.writeUInt32BE(0x02100000, 8);
  header.write(`mntr${space}${pcs}`, 12, 'latin1');
  header.write('acsp', 36, 'latin1');
  Buffer.concat([0.9642, 1, 0.8249].map(s15Fixed16)).copy(header, 68);
  return Buffer.concat([header, ...table, ...bodies]);
}

const xyz = (...values: number[]) =>
  Buffer.concat([Buffer.from('XYZ \0\0\0\0', 'latin1'), ...values.map(s15Fixed16)]);

const described = () => {
  const text = 'For tests\0';
  const parts = [
    Buffer.from('desc\0\0\0\0'),
    uint32(text.length),
    Buffer.from(text),
    Buffer.alloc(78),
  ];
  return {
    desc: Buffer.concat(parts),
    cprt: Buffer.from('text\0\0\0\0none\0'),
    wtpt: xyz(0.9642, 1, 0.8249),
  };
};

/** A curve of ICC's: a power, or samples of the light from 0 to 1. */
export function iccCurve(...light: number[]): Buffer {
  const values = light.map((value) => uint16(Math.round(65_535 * value)));
  return Buffer.concat([Buffer.from('curv\0\0\0\0'), uint32(light.length), ...values]);
}

/** One of ICC's formulas, 0 to 4. */
export function iccFormula(kind: number, ...parameters: number[]): Buffer {
  return Buffer.concat([
    Buffer.from('para\0\0\0\0'),
    uint16(kind),
    uint16(0),
    ...parameters.map(s15Fixed16),
  ]);
}

export function greyProfile(curve: Buffer, pcs: 'XYZ ' | 'Lab ' = 'XYZ '): Buffer {
  return profileOf('GRAY', { ...described(), kTRC: curve }, pcs);
}

/** An ICC profile with Adobe RGB's primaries, adapted to D50. */
export function rgbProfile(curve: Buffer, more: Readonly<Record<string, Buffer>> = {}): Buffer {
  return profileOf('RGB ', {
    ...described(),
    rXYZ: xyz(0.60974, 0.31111, 0.01947),
    gXYZ: xyz(0.20528, 0.62567, 0.06087),
    bXYZ: xyz(0.14919, 0.06322, 0.74457),
    ...{ rTRC: curve, gTRC: curve, bTRC: curve },
    ...more,
  });
}

/** Of Adobe RGB: a matrix, and a gamma of 2.2 (563/256). */
export function adobeRgbProfile(): Buffer {
  const gamma = Buffer.concat([Buffer.from('curv\0\0\0\0'), uint32(1), Buffer.from([2, 0x33])]);
  return rgbProfile(gamma);
}

/**
 * An animation whose first frame is `frame` and whose picture for those who know no animations is
 * another, both PNGs. `size`: what its fcTL says of width, height, x and y.
 */
export function apng(picture: Buffer, frame: Buffer, size: readonly number[]): Buffer {
  const control = (place: number) =>
    pngChunk(
      'fcTL',
      Buffer.concat([uint32(place), ...size.map(uint32), Buffer.from([0, 1, 0, 10, 0, 0])]),
    );
  const data = pngData(frame);
  const parts = [data.subarray(0, 100), data.subarray(100)].map((part, index) =>
    pngChunk('fdAT', Buffer.concat([uint32(1 + index), part])),
  );
  const last = pngChunk('fdAT', Buffer.concat([uint32(4), pngData(picture)]));
  return Buffer.concat([
    withPngChunk(picture, 'acTL', Buffer.concat([uint32(2), uint32(0)])).subarray(0, -12),
    ...[control(0), ...parts, control(3), last, pngChunk('IEND', Buffer.alloc(0))],
  ]);
}

function pngData(png: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const end = at + 8 + png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, end));
  }
  return Buffer.concat(parts);
}
