import { clamp, lerp, smoothstep } from '../../styles/draw/kit/math.ts';
import { fractal, hash, noise } from '../../styles/draw/kit/noise.ts';

/** The land around a mountain lake, in metres: x to the right, z away from the camera, water at 0. */
const CELLS = 1400;
const CELL = 7;
const LEFT = -4900;
const NEAR = -400;

/** Ridges where noise crosses zero, each octave roughest where the one before is high: alps. */
function ridged(x: number, z: number): number {
  let [sum, weight, strength] = [0, 1, 0.55];
  for (let octave = 0; octave < 7; octave++) {
    const zoom = 2.03 ** octave;
    const crest = (1 - Math.abs(noise(x * zoom, z * zoom, 60 + octave))) ** 2.2;
    sum += crest * strength * weight;
    weight = clamp(crest * 1.6);
    strength *= 0.48;
  }
  return sum;
}

function surveyed(x: number, z: number): number {
  const wind = 160 * noise(x / 700, z / 700, 51);
  const shore = Math.hypot((x - 90 + wind) / 560, (z - 560) / 900) - 1;
  const bank = shore < 0 ? 40 * shore : 70 * shore;
  const alps = 1750 * ridged((x + wind) / 2300 + 3.3, (z + wind) / 2300 + 1.7) - 420;
  const rise = smoothstep(0.02, 2.6, shore);
  return (
    bank + Math.max(alps, 0) * rise + 26 * fractal(x / 160, z / 160, 52) * smoothstep(0, 0.4, shore)
  );
}

/** Surveyed once on a grid; a ray asks thousands of times. */
const grid = new Float32Array(CELLS * CELLS);
for (let row = 0; row < CELLS; row++) {
  for (let column = 0; column < CELLS; column++) {
    grid[row * CELLS + column] = surveyed(LEFT + column * CELL, NEAR + row * CELL);
  }
}

export function ground(x: number, z: number): number {
  const u = clamp((x - LEFT) / CELL, 0, CELLS - 1.001);
  const v = clamp((z - NEAR) / CELL, 0, CELLS - 1.001);
  const place = Math.floor(v) * CELLS + Math.floor(u);
  const [du, dv] = [u - Math.floor(u), v - Math.floor(v)];
  return lerp(
    lerp(grid[place] ?? 0, grid[place + 1] ?? 0, du),
    lerp(grid[place + CELLS] ?? 0, grid[place + CELLS + 1] ?? 0, du),
    dv,
  );
}

export const HIGHEST = grid.reduce((highest, height) => Math.max(highest, height), 0) + 30;

export interface Tree {
  /** How far the crown rises above the ground here; 0 between the trees. */
  readonly rise: number;
  /** 0 at the crown's skirt, 1 at the tip. */
  readonly tip: number;
  /** Which tree: uniform in 0 to 1. */
  readonly which: number;
}

const NO_TREE: Tree = { rise: 0, tip: 0, which: 0 };
const PLOT = 8;

/** Conifers, one a plot, below the tree line and off the cliffs. */
export function tree(x: number, z: number, height: number): Tree {
  if (height < 1.5 || height > 640) return NO_TREE;
  const column = Math.floor(x / PLOT);
  const row = Math.floor(z / PLOT);
  let tallest = NO_TREE;
  for (let c = column - 1; c <= column + 1; c++) {
    for (let r = row - 1; r <= row + 1; r++) {
      const which = hash(c, r, 70);
      const wood = noise(c / 22, r / 22, 72) + 0.35 - height / 640;
      if (which * 0.9 > wood + 0.3) continue;
      const dx = x - (c + 0.2 + 0.6 * hash(c, r, 73)) * PLOT;
      const dz = z - (r + 0.2 + 0.6 * hash(c, r, 74)) * PLOT;
      const tip = 1 - Math.hypot(dx, dz) / (2.6 + 2.4 * which);
      const rise = tip * (9 + 13 * hash(c, r, 75));
      if (rise > tallest.rise) tallest = { rise, tip, which };
    }
  }
  return tallest;
}
