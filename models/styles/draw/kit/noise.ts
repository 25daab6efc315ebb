import { clamp } from './math.ts';

/** A hash of a lattice point, uniform in [0, 1). */
export function hash(column: number, row: number, seed: number): number {
  let h = Math.imul(column, 0x27d4eb2d) ^ Math.imul(row, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

const DIRECTIONS = 256;
const cosines = Float64Array.from({ length: DIRECTIONS }, (_, i) =>
  Math.cos((2 * Math.PI * i) / DIRECTIONS),
);
const sines = Float64Array.from({ length: DIRECTIONS }, (_, i) =>
  Math.sin((2 * Math.PI * i) / DIRECTIONS),
);

function slope(column: number, row: number, seed: number, dx: number, dy: number): number {
  const direction = Math.floor(hash(column, row, seed) * DIRECTIONS);
  return (cosines[direction] ?? 0) * dx + (sines[direction] ?? 0) * dy;
}

/** Gradient noise, smooth, about -1 to 1, with features one unit wide. */
export function noise(x: number, y: number, seed = 0): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const dx = x - column;
  const dy = y - row;
  const u = dx * dx * dx * (dx * (dx * 6 - 15) + 10);
  const v = dy * dy * dy * (dy * (dy * 6 - 15) + 10);
  const top =
    slope(column, row, seed, dx, dy) * (1 - u) + slope(column + 1, row, seed, dx - 1, dy) * u;
  const bottom =
    slope(column, row + 1, seed, dx, dy - 1) * (1 - u) +
    slope(column + 1, row + 1, seed, dx - 1, dy - 1) * u;
  return clamp((top * (1 - v) + bottom * v) * 1.5, -1, 1);
}

/** Octaves of noise, each half as large and half as strong: clouds, stains, paper. */
export function fractal(x: number, y: number, seed = 0, octaves = 4): number {
  let sum = 0;
  let strength = 1;
  let total = 0;
  for (let octave = 0; octave < octaves; octave++) {
    const zoom = 2 ** octave;
    sum += strength * noise(x * zoom, y * zoom, seed + octave * 101);
    total += strength;
    strength /= 2;
  }
  return sum / total;
}
