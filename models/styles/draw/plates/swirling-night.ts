import { mix, ramp, type Rgb } from '../kit/color.ts';
import { light } from '../kit/light.ts';
import { fraction, smoothstep } from '../kit/math.ts';
import { fractal, noise } from '../kit/noise.ts';
import { type Motif, paint } from '../kit/painting.ts';
import { Random } from '../kit/random.ts';
import type { Plate } from '../plate.ts';

const sky = ramp('#0b1f5c', '#123a8f', '#1d63b8', '#2f93c9', '#7cc7cf', '#d5e3b5');
const glow = ramp('#fff6c2', '#ffd84d', '#f7a823', '#e9c85a', '#8cc6a8', '#2f93c9');
const land = ramp('#0a1633', '#123c4a', '#1f6a52', '#57954a', '#c2a73c');

/** Lights in the sky: where, how wide, and which way the air turns around them. */
const vortices = [
  { x: 392, y: 96, reach: 74, spin: 1.6, lit: true },
  { x: 200, y: 196, reach: 92, spin: -2.4, lit: false },
  { x: 318, y: 268, reach: 58, spin: 2, lit: false },
  { x: 84, y: 78, reach: 44, spin: 1.5, lit: true },
  { x: 228, y: 54, reach: 34, spin: -1.4, lit: true },
  { x: 462, y: 226, reach: 38, spin: -1.5, lit: true },
  { x: 58, y: 250, reach: 36, spin: 1.6, lit: true },
];

const horizon = (x: number): number => 372 + 26 * Math.sin(x / 62) + 14 * Math.sin(x / 23 + 2);

function direction(x: number, y: number): number {
  if (y > horizon(x)) return 0.5 * Math.cos(x / 62) + 0.6 * noise(x / 60, y / 40, 4);
  let [across, down] = [1, 0.45 * Math.sin(x / 70 + y / 45)];
  for (const { x: cx, y: cy, reach, spin } of vortices) {
    const [dx, dy] = [(x - cx) / reach, (y - cy) / reach];
    const pull = spin * 2.2 * Math.exp(-(dx * dx + dy * dy));
    const away = Math.hypot(dx, dy) + 0.05;
    across -= (pull * dy) / away;
    down += (pull * dx) / away;
  }
  return Math.atan2(down, across);
}

function color(x: number, y: number): Rgb {
  const ridge = horizon(x);
  if (y > ridge) {
    const fold = fraction((y - ridge) / 46 + 0.5 * noise(x / 50, y / 50, 9));
    return land(0.15 + 0.75 * fold * smoothstep(-0.6, 0.8, fractal(x / 40, y / 22, 12)));
  }
  const air = 0.42 + 0.5 * fractal(x / 85, y / 38, 3, 3) + 0.22 * smoothstep(220, 380, y);
  let seen = sky(air);
  for (const { x: cx, y: cy, reach, lit } of vortices) {
    const far = Math.hypot(x - cx, y - cy) / reach;
    if (lit) seen = mix(seen, glow(far), smoothstep(1.05, 0.55, far));
    else if (far < 1) seen = mix(seen, sky(0.5 + 0.45 * Math.sin(far * 16)), 0.75 * (1 - far));
  }
  return seen;
}

export const swirlingNight: Plate = {
  id: 'swirling-night',
  name: 'Swirling night',
  description:
    'Long loaded brush strokes that turn in eddies of ultramarine, teal and chrome yellow, thick enough to catch the light.',
  width: 512,
  height: 512,
  draw(canvas) {
    const motif: Motif = { color, direction };
    const random = new Random(1889);
    canvas.wash(color);
    const oil = { opacity: 0.95, dryness: 0.45, streak: 0.07 };
    paint(
      canvas,
      motif,
      [
        { ...oil, width: 13, length: 70, spacing: 10, body: 1.5, stray: [0.03, 0.1] },
        { ...oil, width: 7.5, length: 48, spacing: 8, body: 2, stray: [0.07, 0.25] },
        { ...oil, width: 4.5, length: 30, spacing: 13, body: 2.4, stray: [0.13, 0.4] },
      ],
      random,
    );
    light(canvas, 0.5, 0.3);
  },
};
