/**
 * Writes an animation as GIF. All frames have one palette, and a pixel's index follows from its colour
 * alone: without dithering, whose errors would wander from what moves into what stands still. So
 * pixels that are the same in two frames stay the same.
 */
import sharp from 'sharp';

import { inTurns } from '../in-turns.ts';
import type { RgbImage } from '../rgb-image.ts';
import { framesOf, type Timing } from './animation.ts';
import { pool } from './pool.ts';
import { chunksOf, tag } from './structure/png-chunks.ts';

/** The last index: nothing, or what the frame before has shown. */
const clear = 255;
/** Pixels that the palette is chosen by, of all frames. */
const sampled = 2 ** 18;
/** More opaque pixels are shown. */
const opaque = 128;
/** Looked at in one turn of the event loop: some milliseconds. */
const chunkPixels = 2 ** 14;

/**
 * @param alpha of all frames, one byte a pixel; undefined where all is opaque
 * @param xmp what is written beside the pixels
 */
export async function encodeGif(
  image: RgbImage,
  alpha: Uint8Array | undefined,
  { delays, loop }: Timing,
  xmp: string | undefined,
): Promise<Buffer> {
  const palette = await choosePalette(image);
  const indexOf = nearestIndex(palette);
  const frames = framesOf(image, delays.length);
  const [{ width, height }] = frames as [RgbImage];
  const pixels = width * height;
  const shown = new Uint8Array(pixels);
  const written = new Uint8Array(pixels);
  const room = roomFor(pixels);
  const parts: Buffer[] = [header(width, height, palette), ...application(loop, xmp)];
  for (const [number, { data }] of frames.entries()) {
    const opacity = alpha?.subarray(number * pixels, (number + 1) * pixels);
    await inTurns(pixels, chunkPixels, (start, end) => {
      for (let i = start, at = 3 * start; i < end; i++, at += 3) {
        const index =
          opacity && (opacity[i] as number) < opaque
            ? clear
            : indexOf(data[at] as number, data[at + 1] as number, data[at + 2] as number);
        // Frames with opacity are each drawn on nothing; others over the one before.
        written[i] = !alpha && number > 0 && index === shown[i] ? clear : index;
        shown[i] = index;
      }
    });
    parts.push(frameHead(width, height, delays[number] as number, alpha !== undefined));
    parts.push(await compressed(written, room));
  }
  parts.push(Buffer.of(0x3b));
  return Buffer.concat(parts);
}

/** 255 colours, R G B one after the other. */
async function choosePalette({ width, height, data }: RgbImage): Promise<Uint8Array> {
  const pixels = width * height;
  const count = Math.min(pixels, sampled);
  const sample = new Uint8Array(3 * count);
  await inTurns(count, chunkPixels, (start, end) => {
    for (let i = start; i < end; i++) {
      const at = 3 * Math.floor((i * pixels) / count);
      sample.set(data.subarray(at, at + 3), 3 * i);
    }
  });
  const raw = { width: count, height: 1, channels: 3 } as const;
  const square = sharp(sample, { raw, limitInputPixels: false });
  const png = await pool.run(() =>
    square.png({ palette: true, colours: 256, dither: 0, compressionLevel: 0 }).toBuffer(),
  );
  const chunk = [...chunksOf(png)].find(({ name }) => name === tag('PLTE'));
  const colors = png.subarray(chunk?.start, chunk?.end);
  const palette = new Uint8Array(3 * clear);
  // One of 256 makes room for what is clear.
  palette.set(colors.subarray(0, palette.length));
  return palette;
}

/** The nearest colour's index; found once for colours that are alike in 6 bits of each channel. */
function nearestIndex(palette: Uint8Array) {
  const found = new Int16Array(2 ** 18).fill(-1);
  return (r: number, g: number, b: number): number => {
    const key = ((r >> 2) << 12) | ((g >> 2) << 6) | (b >> 2);
    const known = found[key] as number;
    if (known >= 0) return known;
    let nearest = 0;
    let least = Infinity;
    for (let index = 0, at = 0; index < clear; index++, at += 3) {
      const dr = (r | 3) - 1 - (palette[at] as number);
      const dg = (g | 3) - 1 - (palette[at + 1] as number);
      const db = (b | 3) - 1 - (palette[at + 2] as number);
      const distance = dr * dr + dg * dg + db * db;
      if (distance < least) {
        nearest = index;
        least = distance;
      }
    }
    return (found[key] = nearest);
  };
}

function header(width: number, height: number, palette: Uint8Array): Buffer {
  const screen = Buffer.from([0, 0, 0, 0, 0xf7, 0, 0]);
  screen.writeUInt16LE(width, 0);
  screen.writeUInt16LE(height, 2);
  return Buffer.concat([Buffer.from('GIF89a'), screen, palette, Buffer.alloc(3)]);
}

/** Extensions: how often it is shown, without a word once; and XMP, by the trick of its specification. */
function application(loop: number, xmp: string | undefined): Buffer[] {
  const parts: Buffer[] = [];
  if (loop !== 1) {
    const times = Buffer.from([3, 1, 0, 0, 0]);
    times.writeUInt16LE(Math.min(Math.max(loop - 1, 0), 65_535), 2);
    parts.push(Buffer.of(0x21, 0xff, 11), Buffer.from('NETSCAPE2.0'), times);
  }
  if (xmp !== undefined) {
    // Whoever reads it as blocks comes, from wherever in the text, to the end of this.
    const end = Buffer.from([1, ...Array.from({ length: 256 }, (_, i) => 255 - i), 0]);
    parts.push(Buffer.of(0x21, 0xff, 11), Buffer.from('XMP DataXMP'), Buffer.from(xmp), end);
  }
  return parts;
}

function frameHead(width: number, height: number, delay: number, isDrawnOnNothing: boolean) {
  const control = Buffer.from([0x21, 0xf9, 4, 0, 0, 0, clear, 0]);
  control[3] = ((isDrawnOnNothing ? 2 : 1) << 2) | 1;
  control.writeUInt16LE(Math.min(Math.round(delay / 10), 65_535), 4);
  const place = Buffer.from([0x2c, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  place.writeUInt16LE(width, 5);
  place.writeUInt16LE(height, 7);
  return Buffer.concat([control, place]);
}

const mostCodes = 4096;
const clearCode = 256;
/** A prime over twice the codes: a table with room. */
const slots = 9973;

/** The longest part of compressed bytes, which a byte with its length goes before. */
const blockBytes = 255;

/** Room for so many bytes compressed, at their worst. */
function roomFor(indices: number): Buffer {
  const bytes = Math.ceil((indices * 13) / 8) + 16;
  return Buffer.alloc(bytes + Math.ceil(bytes / blockBytes) + 2);
}

/**
 * LZW of bytes, as GIF has it, in blocks.
 * @param room where it is written before it is copied
 */
async function compressed(indices: Uint8Array, room: Buffer): Promise<Buffer> {
  room[0] = 8; // bits of an index
  let [block, length, bits, held] = [1, 2, 0, 0];
  const put = (byte: number) => {
    if (length - block > blockBytes) {
      room[block] = blockBytes;
      block = length++;
    }
    room[length++] = byte;
  };
  let [size, next] = [9, 258];
  const keys = new Int32Array(slots).fill(-1);
  const codes = new Int16Array(slots);
  const write = (code: number) => {
    bits |= code << held;
    for (held += size; held >= 8; held -= 8) {
      put(bits & 255);
      bits >>>= 8;
    }
  };
  write(clearCode);
  let prefix = indices[0] as number;
  await inTurns(indices.length, chunkPixels, (start, end) => {
    for (let i = Math.max(start, 1); i < end; i++) {
      const index = indices[i] as number;
      const key = (prefix << 8) | index;
      let slot = key % slots;
      while (keys[slot] !== key && keys[slot] !== -1) slot = slot + 1 < slots ? slot + 1 : 0;
      if (keys[slot] === key) {
        prefix = codes[slot] as number;
        continue;
      }
      write(prefix);
      prefix = index;
      if (next < mostCodes) {
        if (next === 1 << size) size++;
        keys[slot] = key;
        codes[slot] = next++;
      } else {
        write(clearCode);
        keys.fill(-1);
        [size, next] = [9, 258];
      }
    }
  });
  write(prefix);
  if (next === 1 << size && size < 12) size++;
  write(257);
  if (held > 0) put(bits & 255);
  room[block] = length - block - 1;
  room[length++] = 0;
  return Buffer.from(room.subarray(0, length));
}
