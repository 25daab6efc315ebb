import { inTurns } from '../in-turns.ts';
import type { Size } from '../rgb-image.ts';

export interface Layers {
  /** RGB, as the networks are to see it. */
  readonly rgb: Uint8Array<ArrayBuffer>;
  /** One byte a pixel; undefined when every pixel is opaque. */
  readonly alpha: Uint8Array<ArrayBuffer> | undefined;
}

/** Parted in one turn of the event loop: a millisecond. */
const chunkPixels = 2 ** 18;

interface Color {
  readonly r: number;
  readonly g: number;
  readonly b: number;
}

/** Pixels at least as opaque as 1 in so many keep their colour; fainter ones fade into the ground. */
const faintest = 4;

/** Visible colours that differ less, as a standard deviation, need a ground that they stand out from. */
const flat = 12;

/** Along each side of a picture, to tell its colours: a texture within one counts as its mean. */
const cells = 32;

/**
 * Parts the pixels of an RGBA picture, in memory that the runtime owns (`ownPixels` says why). The
 * bytes under transparent pixels are arbitrary and would leak into the statistics of the whole
 * picture: a ground of the mean of what is visible takes their place, since it changes the
 * statistics least. A shape of one colour gets white or black instead, or the networks would see
 * nothing of it.
 *
 * Works on the calling thread, in turns: pipelines of sharp held the pixels four times.
 */
export async function separate(rgba: Buffer, { width, height }: Size): Promise<Layers> {
  const pixels = width * height;
  const rgb = new Uint8Array(3 * pixels);
  const alpha = new Uint8Array(pixels);
  let all = 255;
  await inTurns(pixels, chunkPixels, (start, end) => {
    all &= part(rgba, rgb, alpha, start, end);
  });
  if (all === 255) return { rgb, alpha: undefined };
  const ground = groundOf(rgba, { width, height });
  await inTurns(pixels, chunkPixels, (start, end) => {
    fade(rgb, alpha, ground, start, end);
  });
  return { rgb, alpha };
}

/**
 * Divides colours that were multiplied by their opacity by it, in place.
 * @param rgba of uint8, or of uint16 in the machine's order
 * @param sampleBytes 1 or 2
 */
export async function divide(rgba: Buffer, sampleBytes: 1 | 2): Promise<void> {
  const length = rgba.length / sampleBytes;
  const samples = sampleBytes === 1 ? rgba : new Uint16Array(rgba.buffer, rgba.byteOffset, length);
  const most = 256 ** sampleBytes - 1;
  await inTurns(length / 4, chunkPixels, (start, end) => {
    for (let at = 4 * start; at < 4 * end; at += 4) {
      const opacity = samples[at + 3] as number;
      if (opacity === 0 || opacity === most) continue;
      for (let i = at; i < at + 3; i++) {
        samples[i] = Math.min(Math.round(((samples[i] as number) * most) / opacity), most);
      }
    }
  });
}

/** Parts the pixels from start to end. Returns the bits that all opacities have: 255 when opaque. */
function part(rgba: Uint8Array, rgb: Uint8Array, alpha: Uint8Array, start: number, end: number) {
  let all = 255;
  for (let pixel = start, from = 4 * start, to = 3 * start; pixel < end; pixel++) {
    rgb[to++] = rgba[from++] ?? 0;
    rgb[to++] = rgba[from++] ?? 0;
    rgb[to++] = rgba[from++] ?? 0;
    const opacity = rgba[from++] ?? 0;
    alpha[pixel] = opacity;
    all &= opacity;
  }
  return all;
}

/** Lays the faint pixels from start to end on the ground. */
function fade(rgb: Uint8Array, alpha: Uint8Array, ground: Color, start: number, end: number) {
  const { r, g, b } = ground;
  for (let pixel = start, at = 3 * start; pixel < end; pixel++, at += 3) {
    // Opacity is put back on the result: here it must not take away contrast as well.
    const firm = faintest * (alpha[pixel] ?? 0);
    if (firm >= 255) continue;
    const rest = 255 - firm;
    rgb[at] = ((rgb[at] ?? 0) * firm + r * rest) / 255;
    rgb[at + 1] = ((rgb[at + 1] ?? 0) * firm + g * rest) / 255;
    rgb[at + 2] = ((rgb[at + 2] ?? 0) * firm + b * rest) / 255;
  }
}

/** From the mean and the deviation of the colours, weighted by opacity; grey if nothing is visible. */
function groundOf(rgba: Uint8Array, size: Size): Color {
  let weight = 0;
  const sums = [0, 0, 0];
  const squares = [0, 0, 0];
  for (let row = 0; row < cells; row++) {
    for (let column = 0; column < cells; column++) {
      const { opacity, colors } = meanOfCell(rgba, size, column, row);
      weight += opacity;
      for (const [channel, value] of colors.entries()) {
        sums[channel] = (sums[channel] ?? 0) + opacity * value;
        squares[channel] = (squares[channel] ?? 0) + opacity * value * value;
      }
    }
  }
  if (weight === 0) return { r: 128, g: 128, b: 128 };
  const means = sums.map((sum) => sum / weight);
  const [r = 0, g = 0, b = 0] = means;
  const variances = squares.map((sum, channel) => sum / weight - (means[channel] ?? 0) ** 2);
  if (Math.max(...variances) >= flat ** 2) {
    return { r: Math.round(r), g: Math.round(g), b: Math.round(b) };
  }
  const ground = (r + g + b) / 3 < 128 ? 255 : 0;
  return { r: ground, g: ground, b: ground };
}

/** One of cells × cells, from some of its pixels: the mean opacity, and of the colours by opacity. */
function meanOfCell(rgba: Uint8Array, { width, height }: Size, column: number, row: number) {
  const across = samplesOf(width, column);
  let samples = 0;
  const sums: [number, number, number, number] = [0, 0, 0, 0];
  for (const y of samplesOf(height, row)) {
    for (const x of across) {
      const at = 4 * (y * width + x);
      const opacity = rgba[at + 3] ?? 0;
      sums[0] += opacity * (rgba[at] ?? 0);
      sums[1] += opacity * (rgba[at + 1] ?? 0);
      sums[2] += opacity * (rgba[at + 2] ?? 0);
      sums[3] += opacity;
      samples++;
    }
  }
  const [r, g, b, visible] = sums;
  const colors = [r, g, b].map((sum) => (visible === 0 ? 0 : sum / visible));
  return { opacity: visible / samples, colors };
}

/** Where one of so many cells along a side is looked at: at 8 places at most. */
function samplesOf(side: number, cell: number): number[] {
  const start = Math.floor((cell * side) / cells);
  const end = Math.max(start + 1, Math.floor(((cell + 1) * side) / cells));
  const step = Math.ceil((end - start) / 8);
  return Array.from(
    { length: Math.ceil((end - start) / step) },
    (_, index) => start + index * step,
  );
}
