import { inTurns } from '../../in-turns.ts';
import { bt2020ToSrgb, type Curve, type Encoding } from './encoding.ts';
import { identity, type Matrix, product } from './matrix.ts';
import { lightOfPq, systemGain, toneGain } from './tone-mapping.ts';

/** Converted in one turn of the event loop: less than a millisecond, of HDR two. */
const chunkPixels = 2 ** 14;

/** So fine that the darkest of sRGB's 256 have 20 steps each. */
const lightSteps = 65_535;

/** Light in steps → sRGB of 8 bits. */
const encoded = Uint8Array.from({ length: lightSteps + 1 }, (_, step) => {
  const light = step / lightSteps;
  const sample = light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;
  return Math.round(255 * sample);
});

/** Converts the samples from start to end, whole pixels. */
type Convert = (start: number, end: number) => void;

interface Samples {
  /** RGB or RGBA. */
  readonly from: Uint8Array | Uint16Array;
  /** Of the same pixels, in the same memory: a pixel is read before its bytes are written. */
  readonly to: Uint8Array;
  readonly channels: 3 | 4;
  /** The greatest sample. */
  readonly most: number;
}

/**
 * Makes sRGB of 8 bits of samples in another encoding, in place.
 * @param data RGB or RGBA, rows top to bottom, of uint8 or of uint16 in the machine's order
 * @param sampleBytes 1 or 2
 * @param channels 3 or 4; opacity is the same in all encodings
 * @returns the part of `data` that now holds the pixels, a byte a sample
 */
export async function toSrgb(
  data: Buffer,
  sampleBytes: 1 | 2,
  channels: 3 | 4,
  encoding: Encoding,
): Promise<Buffer> {
  const length = data.length / sampleBytes;
  const from = sampleBytes === 1 ? data : new Uint16Array(data.buffer, data.byteOffset, length);
  const to = data.subarray(0, length);
  const samples = { from, to, channels, most: 256 ** sampleBytes - 1 };
  const isNeutral = encoding.matrix === undefined && encoding.hdr === undefined;
  const convert = isNeutral ? byCurves(samples, encoding) : byMatrix(samples, encoding);
  await inTurns(length / channels, chunkPixels, (start, end) => {
    convert(start * channels, end * channels);
  });
  return to;
}

function byCurves({ from, to, channels, most }: Samples, { curves }: Encoding): Convert {
  const [reds, greens, blues] = tablesOf(curves, (curve) =>
    Uint8Array.from({ length: most + 1 }, (_, sample) => encode(curve(sample / most))),
  );
  return (start, end) => {
    for (let at = start; at < end; at += channels) {
      const red = reds[from[at] as number] as number;
      const green = greens[from[at + 1] as number] as number;
      const blue = blues[from[at + 2] as number] as number;
      const opacity = from[at + 3] as number;
      to[at] = red;
      to[at + 1] = green;
      to[at + 2] = blue;
      if (channels === 4) to[at + 3] = Math.round((255 * opacity) / most);
    }
  };
}

function byMatrix(
  { from, to, channels, most }: Samples,
  { curves, matrix = identity, hdr }: Encoding,
): Convert {
  const unit = hdr === 'pq' ? lightOfPq : 1;
  const [reds, greens, blues] = tablesOf(curves, (curve) =>
    Float32Array.from({ length: most + 1 }, (_, sample) => unit * curve(sample / most)),
  );
  const [[rr, rg, rb], [gr, gg, gb], [br, bg, bb]] = hdr ? product(bt2020ToSrgb, matrix) : matrix;
  const gainOf = hdr && gainIn(matrix, hdr);
  return (start, end) => {
    for (let at = start; at < end; at += channels) {
      const red = reds[from[at] as number] as number;
      const green = greens[from[at + 1] as number] as number;
      const blue = blues[from[at + 2] as number] as number;
      const opacity = from[at + 3] as number;
      const gain = gainOf ? gainOf(red, green, blue) : 1;
      to[at] = encode(gain * (rr * red + rg * green + rb * blue));
      to[at + 1] = encode(gain * (gr * red + gg * green + gb * blue));
      to[at + 2] = encode(gain * (br * red + bg * green + bb * blue));
      if (channels === 4) to[at + 3] = Math.round((255 * opacity) / most);
    }
  };
}

/** By what the light of a pixel is multiplied to be shown. `matrix`: to BT.2020's primaries. */
function gainIn(matrix: Matrix, hdr: 'pq' | 'hlg') {
  const [[rr, rg, rb], [gr, gg, gb], [br, bg, bb]] = matrix;
  return (r: number, g: number, b: number): number => {
    const red = rr * r + rg * g + rb * b;
    const green = gr * r + gg * g + gb * b;
    const blue = br * r + bg * g + bb * b;
    const bright = hdr === 'hlg' ? systemGain(red, green, blue) : 1;
    return bright * toneGain(bright * Math.max(red, green, blue));
  };
}

/** Light from 0 to 1, what is beyond cut off → sRGB of 8 bits. What is no number is black. */
function encode(light: number): number {
  if (light >= 1) return 255;
  return light > 0 ? (encoded[Math.floor(light * lightSteps + 0.5)] as number) : 0;
}

/** Made once where the curves are one. */
function tablesOf<T>([red, green, blue]: Encoding['curves'], make: (curve: Curve) => T): [T, T, T] {
  const first = make(red);
  const second = green === red ? first : make(green);
  const third = blue === red ? first : make(blue);
  return [first, second, third];
}
