/** What a picture's luma says of its strokes. */
import type { RgbImage } from '../../src/rgb-image.ts';

/** Bins of the spectrum in an octave. */
const perOctave = 16;
/** Waves a side below which the picture itself lies, not its strokes. */
const lowest = 3 * perOctave;

/**
 * How many times as wide the strokes of one picture are as those of another of its size, a power of
 * two a side: the shift, on a logarithmic scale, at which their power spectra agree best.
 */
export function widthOver(one: RgbImage, other: RgbImage): number {
  const [a, b] = [spectrum(one), spectrum(other)];
  let best = { agreement: 0, shift: 0 };
  for (let shift = -1.5 * perOctave; shift <= 3 * perOctave; shift++) {
    let [both, left, right] = [0, 0, 0];
    // What is a frequency f in the other lies at f / 2^(shift / perOctave) in this one.
    for (let bin = lowest; bin < b.length; bin++) {
      const at = bin - shift;
      if (at < lowest - perOctave || at >= a.length) continue;
      both += (a[at] ?? 0) * (b[bin] ?? 0);
      left += (a[at] ?? 0) ** 2;
      right += (b[bin] ?? 0) ** 2;
    }
    const agreement = both / Math.sqrt(left * right);
    if (agreement > best.agreement) best = { agreement, shift };
  }
  return 2 ** (best.shift / perOctave);
}

/** The variance of the Laplacian. */
export function sharpness(image: RgbImage): number {
  const { width, height } = image;
  const y = lumaOf(image);
  const at = (row: number, column: number) => y[row * width + column] ?? NaN;
  let [count, sum, squares] = [0, 0, 0];
  for (let row = 1; row < height - 1; row++) {
    for (let column = 1; column < width - 1; column++) {
      const around = at(row - 1, column) + at(row + 1, column) + at(row, column - 1);
      const value = 4 * at(row, column) - around - at(row, column + 1);
      count++;
      sum += value;
      squares += value ** 2;
    }
  }
  return squares / count - (sum / count) ** 2;
}

/** Power in rings of equal width on a logarithmic scale, smoothed. */
function spectrum(image: RgbImage): Float64Array {
  const side = image.width;
  const window = (i: number) => Math.sin((Math.PI * (i + 0.5)) / side);
  const luma = lumaOf(image);
  const real = luma.map((y, i) => (y - 128) * window(i % side) * window(Math.floor(i / side)));
  const imaginary = new Float64Array(side ** 2);
  for (let line = 0; line < side; line++) transform(real, imaginary, side, line * side, 1);
  for (let line = 0; line < side; line++) transform(real, imaginary, side, line, side);
  const rings = new Float64Array(Math.ceil(Math.log2(side / 2) * perOctave) + 1);
  const wave = (i: number) => (i < side / 2 ? i : i - side);
  for (let i = 0; i < side ** 2; i++) {
    const frequency = Math.hypot(wave(i % side), wave(Math.floor(i / side)));
    if (frequency < 1 || frequency > side / 2) continue;
    const ring = Math.round(Math.log2(frequency) * perOctave);
    rings[ring] = (rings[ring] ?? 0) + (real[i] ?? 0) ** 2 + (imaginary[i] ?? 0) ** 2;
  }
  const near = [-4, -3, -2, -1, 0, 1, 2, 3, 4];
  return rings.map((_, i) =>
    near.reduce((sum, d) => sum + ((5 - Math.abs(d)) / 25) * (rings[i + d] ?? 0), 0),
  );
}

function lumaOf({ data }: RgbImage): Float64Array {
  return Float64Array.from(
    { length: data.length / 3 },
    (_, i) =>
      0.299 * (data[3 * i] ?? 0) + 0.587 * (data[3 * i + 1] ?? 0) + 0.114 * (data[3 * i + 2] ?? 0),
  );
}

/** Cooley and Tukey's, in place, of `length` (a power of two) numbers that lie `step` apart. */
function transform(
  real: Float64Array,
  imaginary: Float64Array,
  length: number,
  start: number,
  step: number,
): void {
  const at = (i: number) => start + i * step;
  const swap = (values: Float64Array, i: number, j: number) => {
    [values[at(i)], values[at(j)]] = [values[at(j)] ?? NaN, values[at(i)] ?? NaN];
  };
  for (let i = 1, j = 0; i < length; i++) {
    let bit = length >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    swap(real, i, j);
    swap(imaginary, i, j);
  }
  for (let span = 2; span <= length; span *= 2) {
    for (let k = 0; k < span / 2; k++) {
      const angle = (-2 * Math.PI * k) / span;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      for (let i = k; i < length; i += span) {
        const [p, q] = [at(i), at(i + span / 2)];
        const re = (real[q] ?? NaN) * cos - (imaginary[q] ?? NaN) * sin;
        const im = (real[q] ?? NaN) * sin + (imaginary[q] ?? NaN) * cos;
        real[q] = (real[p] ?? NaN) - re;
        imaginary[q] = (imaginary[p] ?? NaN) - im;
        real[p] = (real[p] ?? NaN) + re;
        imaginary[p] = (imaginary[p] ?? NaN) + im;
      }
    }
  }
}
