import { hex, mix, ramp, type Rgb } from '../kit/color.ts';
import { smoothstep } from '../kit/math.ts';
import { fractal, hash, noise } from '../kit/noise.ts';
import { paint } from '../kit/painting.ts';
import { Random } from '../kit/random.ts';
import type { Plate } from '../plate.ts';

const paper = hex('#2a1838');
const dusk = ramp('#2c3f9c', '#5a6fd8', '#8fa8f0', '#d0a8ec', '#ffb4d4', '#fff0b8');
const hills = ramp('#2a2f86', '#3f7fb4', '#6fd0c0');
const fields = ['#ff7fb8', '#8fe8c8', '#b58cf0', '#fff09a', '#5fc8e8', '#f04f9c', '#c8f0a0'].map(
  hex,
);

const HORIZON = 232;
const SUN = { x: 168, y: 150, radius: 46 };

/** Flower fields in rows towards a low sun. */
function color(x: number, y: number): Rgb {
  const far = Math.hypot(x - SUN.x, y - SUN.y);
  if (y < HORIZON - 30 - 34 * noise(x / 80, 0, 1)) {
    if (far < SUN.radius) return mix([1, 0.97, 0.78], [1, 0.74, 0.4], far / SUN.radius);
    const cloud = smoothstep(0.05, 0.4, fractal(x / 95, y / 26, 2));
    return mix(dusk(y / 240 + 0.3 * Math.exp(-far / 110)), [1, 0.66, 0.84], 0.6 * cloud);
  }
  if (y < HORIZON) return hills(0.4 + 0.9 * noise(x / 46, y / 18, 3) + 0.2 * Math.exp(-far / 80));
  const depth = 60 / (y - HORIZON + 9);
  const row = (x - 310) * depth * 0.034 + 7 * depth ** 0.5;
  const flower =
    fields[((Math.floor(row) % fields.length) + fields.length) % fields.length] ?? paper;
  const furrow = Math.abs(row - Math.floor(row) - 0.5) > 0.4;
  const leaf = noise(x * depth * 0.3, y / 7, 4) > 0.32;
  if (furrow) return [0.16, 0.14, 0.4];
  return leaf
    ? mix([0.1, 0.46, 0.36], [0.55, 0.78, 0.3], hash(Math.floor(x / 6), Math.floor(y / 6), 5))
    : flower;
}

function direction(x: number, y: number): number {
  if (y > HORIZON) return Math.atan2(y - HORIZON + 30, x - 310) + 0.9 * noise(x / 40, y / 40, 6);
  const around = Math.atan2(y - SUN.y, x - SUN.x) + Math.PI / 2;
  return Math.hypot(x - SUN.x, y - SUN.y) < 120 ? around : -0.75 + 0.9 * noise(x / 90, y / 60, 7);
}

/** The tooth of the paper, low in its hollows, high on its grain: chalk hardly reaches the hollows. */
const tooth = (x: number, y: number): number =>
  0.5 + 0.5 * fractal(x / 4.5 + noise(y / 7, x / 7, 8), y / 3.6 + noise(x / 6, y / 6, 11), 9, 4);

export const pastel: Plate = {
  id: 'pastel',
  name: 'Pastel',
  description:
    'Chalk strokes in rose, mint, lilac and sky blue over dark aubergine paper whose rough grain shows through.',
  width: 512,
  height: 512,
  draw(canvas) {
    canvas.wash((x, y) => mix(paper, color(x, y), 0.35));
    const chalk = { dryness: 0.72, streak: 0.06, body: 0 };
    paint(
      canvas,
      { color, direction },
      [
        { ...chalk, width: 14, length: 60, spacing: 13, opacity: 0.75, stray: [0.05, 0.2] },
        { ...chalk, width: 8, length: 46, spacing: 10, opacity: 0.85, stray: [0.08, 0.35] },
        { ...chalk, width: 4.5, length: 34, spacing: 10, opacity: 0.95, stray: [0.13, 0.5] },
      ],
      new Random(1874),
    );
    canvas.wash((x, y, under) => {
      const bare = smoothstep(0.46, 0.3, tooth(x, y) + 0.14 * noise(x / 40, y / 40, 10));
      return mix(under, paper, 0.5 * bare);
    });
  },
};
