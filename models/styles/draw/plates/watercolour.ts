import type { Canvas } from '../kit/canvas.ts';
import { hex, mix, multiply, type Rgb, WHITE } from '../kit/color.ts';
import { clamp, smoothstep } from '../kit/math.ts';
import { fractal, noise } from '../kit/noise.ts';
import { Random } from '../kit/random.ts';
import type { Plate } from '../plate.ts';

const blooms = ['#d81e6a', '#f2545b', '#8a3fb8', '#f79a1c', '#3b5fd0'].map(hex);
const leaves = ['#1f7a5a', '#4f9a34', '#0f5a6e', '#8aa31e'].map(hex);
const grounds = ['#6fb7d8', '#f5c66a', '#9fd3b4', '#e6a5b8', '#8d9fd8'].map(hex);

/** Cold-pressed paper: pigment settles in its hollows. */
const hollow = (x: number, y: number): number => 0.5 + 0.5 * fractal(x / 4.2, y / 4.2, 1, 3);

interface Puddle {
  readonly x: number;
  readonly y: number;
  readonly long: number;
  readonly wide: number;
  readonly angle: number;
  readonly pigment: Rgb;
  readonly strength: number;
  /** How far the outline wanders, as a share of the size. */
  readonly wander: number;
}

/** A wet puddle dries from its rim: pigment flows there and leaves a dark edge; blooms push it about. */
function pour(canvas: Canvas, puddle: Puddle, seed: number): void {
  const { x, y, long, wide, angle, pigment, strength, wander } = puddle;
  const reach = Math.max(long, wide) * (1 + 1.5 * wander);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const size = Math.min(long, wide);
  canvas.within([x - reach, y - reach, x + reach, y + reach], (px, py, cell) => {
    const [u, v] = [(px - x) * c + (py - y) * s, (py - y) * c - (px - x) * s];
    const ragged =
      wander * fractal(px / (size * 0.9), py / (size * 0.9), seed, 4) +
      0.02 * noise(px / 2.5, py / 2.5, seed + 5);
    const inside = (1 - Math.hypot(u / long, v / wide) + ragged) * size;
    if (inside < 0) return;
    const rim = Math.exp(-((inside - 1.2) ** 2) / 2.4);
    const bloom = fractal(px / 26, py / 26, seed + 9, 4);
    const settled =
      0.5 + 0.55 * bloom + 0.28 * smoothstep(0, size, inside) * Math.sign(noise(seed, 0.5, 3));
    const grain = 0.7 + 0.6 * hollow(px, py);
    const density =
      strength * smoothstep(0, 1, inside) * (clamp(settled, 0.12, 1.2) * grain + 0.4 * rim);
    canvas.set(cell, multiply(canvas.at(cell), mix(WHITE, pigment, clamp(density))));
  });
}

function flower(canvas: Canvas, x: number, y: number, size: number, random: Random): void {
  const pigment = random.pick(blooms);
  const turn = random.between(0, 2 * Math.PI);
  const petals = Math.round(random.between(5, 7));
  for (let petal = 0; petal < petals; petal++) {
    const angle = turn + (2 * Math.PI * petal) / petals + 0.15 * random.bell();
    const [px, py] = [x + 0.55 * size * Math.cos(angle), y + 0.55 * size * Math.sin(angle)];
    const tint = mix(pigment, random.pick(blooms), 0.25 * random.next());
    pour(
      canvas,
      {
        x: px,
        y: py,
        long: size * 0.58,
        wide: size * 0.4,
        angle,
        pigment: tint,
        strength: random.between(0.45, 0.85),
        wander: 0.32,
      },
      random.next() * 1e6,
    );
  }
  pour(
    canvas,
    {
      x,
      y,
      long: size * 0.2,
      wide: size * 0.18,
      angle: 0,
      pigment: hex('#3a1450'),
      strength: 0.95,
      wander: 0.4,
    },
    random.next() * 1e6,
  );
}

export const watercolour: Plate = {
  id: 'watercolour',
  name: 'Watercolour',
  description:
    'Transparent washes of rose, violet and sap green that granulate, bloom and dry with dark edges.',
  width: 512,
  height: 512,
  draw(canvas) {
    const random = new Random(1830);
    const within = (): number => random.between(-20, 532);
    canvas.wash((x, y) => mix(hex('#fffdf6'), hex('#e9e2d4'), 0.55 * hollow(x, y)));
    for (let i = 0; i < 14; i++) {
      pour(
        canvas,
        {
          x: within(),
          y: within(),
          long: random.between(60, 130),
          wide: random.between(40, 90),
          angle: random.between(0, 3),
          pigment: random.pick(grounds),
          strength: random.between(0.3, 0.6),
          wander: 0.5,
        },
        random.next() * 1e6,
      );
    }
    for (let i = 0; i < 34; i++) {
      pour(
        canvas,
        {
          x: within(),
          y: within(),
          long: random.between(40, 84),
          wide: random.between(12, 26),
          angle: random.between(0, Math.PI),
          pigment: random.pick(leaves),
          strength: random.between(0.5, 0.95),
          wander: 0.25,
        },
        random.next() * 1e6,
      );
    }
    for (let i = 0; i < 16; i++) {
      const [column, row] = [i % 4, Math.floor(i / 4)];
      flower(
        canvas,
        column * 140 + random.between(0, 90),
        row * 140 + random.between(0, 90),
        random.between(52, 96),
        random,
      );
    }
    for (let i = 0; i < 60; i++) {
      const size = random.between(1.5, 5);
      pour(
        canvas,
        {
          x: within(),
          y: within(),
          long: size,
          wide: size,
          angle: 0,
          pigment: random.pick([...blooms, ...leaves]),
          strength: 0.9,
          wander: 0.2,
        },
        random.next() * 1e6,
      );
    }
  },
};
