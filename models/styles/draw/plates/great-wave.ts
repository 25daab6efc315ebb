import { hex, mix, multiply, ramp, type Rgb } from '../kit/color.ts';
import { clamp, fraction, smoothstep } from '../kit/math.ts';
import { fractal, hash, noise } from '../kit/noise.ts';
import type { Plate } from '../plate.ts';

const indigo = hex('#16264f');
const foam = hex('#f7f0dc');
const blues = ['#1d3c7d', '#2f62a5', '#dfe6d8', '#27508f', '#7fb2c4', '#1d3c7d', '#4d8fb8'].map(
  hex,
);
const evening = ramp('#b8502f', '#e59a62', '#f2cf9c', '#f3e4c3', '#cfd9cc');

/** Rows of waves from the back to the front: where, how high, how long, and how they lean. */
const rows = [
  { base: 196, height: 62, length: 150, lean: 0.45, shift: 40, seed: 1 },
  { base: 246, height: 76, length: 190, lean: 0.6, shift: 128, seed: 2 },
  { base: 318, height: 150, length: 330, lean: 0.8, shift: -30, seed: 3 },
  { base: 398, height: 82, length: 200, lean: 0.6, shift: 90, seed: 4 },
  { base: 482, height: 96, length: 250, lean: 0.7, shift: 6, seed: 5 },
];

type Row = (typeof rows)[number];

/** How far below a wave's outline a point lies; the crest leans over because its x is sheared. */
function below(row: Row, x: number, y: number): { depth: number; along: number } {
  const up = Math.max(row.base - y, -60);
  const along = x - row.shift - row.lean * up * smoothstep(-60, 90, up);
  const turn = (Math.PI * along) / row.length;
  const peak = 1 - Math.abs(Math.sin(turn)) ** 0.62;
  const height = row.height * (0.75 + 0.5 * hash(Math.round(along / row.length), row.seed, 6));
  return { depth: y - row.base + height * peak + 4 * noise(along / 30, row.seed, 7), along };
}

/** Foam claws: a scalloped white rim, its scallops smaller towards the crest. */
const claws = (along: number, depth: number): number =>
  13 +
  7 * Math.abs(Math.sin(along / 6.5)) +
  9 * Math.abs(Math.sin(along / 17 + depth / 20)) -
  depth;

function sea(row: Row, depth: number, along: number, y: number): Rgb {
  const white = claws(along, depth);
  if (depth < 1.7) return indigo;
  if (white > 0) {
    const inner = Math.abs(fraction(white / 6.5 + 0.4 * noise(along / 9, depth / 9, 8)) - 0.5);
    return white < 1.5 || inner < 0.1
      ? indigo
      : inner < 0.24
        ? mix(foam, [0.62, 0.76, 0.82], 0.8)
        : foam;
  }
  // Bands of water follow the outline and crowd together under the crest.
  const stripes = (depth + 0.22 * along + 5 * noise(along / 40, depth / 60, row.seed + 9)) / 15;
  const place = fraction(stripes);
  if (place < 0.1) return indigo;
  const band =
    blues[((Math.floor(stripes) % blues.length) + blues.length) % blues.length] ?? indigo;
  return mix(
    band,
    mix(indigo, [0.25, 0.5, 0.6], place),
    0.25 + 0.3 * smoothstep(row.base - 40, row.base + 90, y),
  );
}

function sky(x: number, y: number): Rgb {
  const mountain = y - 118 - 0.62 * Math.abs(x - 372) ** 0.93 + 5 * Math.abs(Math.sin(x / 9));
  if (mountain > 0 && y < 220) {
    const snow = y < 160 + 16 * Math.abs(Math.sin(x / 7)) + 6 * noise(x / 5, 1, 10);
    if (mountain < 2) return indigo;
    const ridges =
      Math.abs(fraction((x - 372) / (8 + (y - 108) / 9) + 0.2 * noise(x / 20, y / 20, 11)) - 0.5) <
      0.12;
    return ridges ? indigo : snow ? foam : [0.36, 0.5, 0.62];
  }
  // Bokashi: the printer wipes the colour from deep to pale by hand, in bands of mist.
  const mist = fraction(y / 29 + 0.5 * noise(x / 130, y / 60, 12));
  const line = Math.abs(mist - 0.5) < 0.035 && noise(x / 70, y / 24, 13) > -0.1;
  return line ? indigo : evening(clamp(y / 190 + 0.24 * (mist - 0.5)));
}

function print(x: number, y: number): Rgb {
  for (let i = rows.length - 1; i >= 0; i--) {
    const row = rows[i];
    if (!row) continue;
    const { depth, along } = below(row, x, y);
    if (depth > 0) return sea(row, depth, along, y);
    // Spray: drops torn off above the crest.
    const [column, line] = [Math.floor(x / 8), Math.floor(y / 8)];
    const drop = Math.hypot(
      x - (column + 0.2 + 0.6 * hash(column, line, 14)) * 8,
      y - (line + 0.2 + 0.6 * hash(column, line, 15)) * 8,
    );
    const torn = hash(column, line, 16) < 0.6 * smoothstep(-24, -2, depth);
    if (torn && drop < 2.9) return drop > 2 ? indigo : foam;
  }
  return sky(x, y);
}

export const greatWave: Plate = {
  id: 'great-wave',
  name: 'Great wave',
  description:
    'An ukiyo-e print: leaning seas in bands of Prussian blue, foam claws, indigo contours, a wiped sunset sky.',
  width: 512,
  height: 512,
  draw(canvas) {
    canvas.wash((x, y): Rgb => {
      const wx = x + 1.4 * noise(x / 14, y / 14, 20);
      const wy = y + 1.4 * noise(x / 14, y / 14, 21);
      const grain = 1 - 0.1 * smoothstep(0, 0.6, fractal(x / 70, y / 2.6, 22, 4));
      const fibre = 1 + 0.05 * noise(x / 1.7, y / 1.7, 23) + 0.04 * fractal(x / 40, y / 40, 24);
      return multiply(print(wx, wy), [grain * fibre, grain * fibre, fibre * (0.4 + 0.6 * grain)]);
    });
  },
};
