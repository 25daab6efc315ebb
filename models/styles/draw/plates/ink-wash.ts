import { bend, type Brush, scatter, stroke } from '../kit/brush.ts';
import type { Canvas } from '../kit/canvas.ts';
import { hex, mix, multiply, type Rgb, WHITE } from '../kit/color.ts';
import { clamp, lerp, type Point, smoothstep } from '../kit/math.ts';
import { fractal, noise } from '../kit/noise.ts';
import { Random } from '../kit/random.ts';
import type { Plate } from '../plate.ts';

const ink = hex('#121318');
const thinInk = hex('#4d5763');
const seal = hex('#b8261c');

/** Mountain after mountain, each paler below where the mist stands. */
const mountains = [
  { base: 150, height: 150, width: 110, seed: 3, dark: 0.5 },
  { base: 245, height: 165, width: 90, seed: 6, dark: 0.72 },
  { base: 350, height: 150, width: 80, seed: 9, dark: 0.86 },
  { base: 470, height: 130, width: 100, seed: 12, dark: 0.97 },
];

interface Wash {
  /** How much ink stands in the water here, 0 to 1. */
  readonly density: number;
  /** The way down the mountainside, for dry strokes over the wash. */
  readonly slope: number;
}

function wetInk(x: number, y: number): Wash {
  let density = 0.03 + 0.26 * smoothstep(-0.1, 0.6, fractal(x / 130, y / 44, 20, 4));
  let slope = 0.2 * noise(x / 60, y / 40, 21);
  for (const { base, height, width, seed, dark } of mountains) {
    const bleed = 6 * fractal(x / 11, y / 11, seed + 1, 3);
    const depth = y - base + height * (0.45 + 0.8 * fractal(x / width, 0.5, seed, 4)) + bleed;
    if (depth < 0) continue;
    const mist = smoothstep(118, 22, depth + 40 * fractal(x / 64, y / 30, seed + 2, 3));
    const rim = 0.4 * smoothstep(6, 0.5, depth);
    const facet = fractal(x / 30 + depth / 80, depth / 60, seed + 3, 4);
    density = lerp(density * 0.7, dark * (0.4 + rim + 0.75 * smoothstep(-0.05, 0.35, facet)), mist);
    slope = (facet > 0.05 ? 1 : Math.PI - 1) + 0.5 * facet;
  }
  return { density, slope };
}

function paper(x: number, y: number): Rgb {
  const fibres = noise(x / 2.2, y / 26, 40) + noise(x / 30, y / 1.8, 41);
  return mix(
    hex('#fbf8ef'),
    hex('#ebe3d0'),
    clamp(0.3 + 0.22 * fibres + 0.3 * fractal(x / 60, y / 60, 42)),
  );
}

/** Texture strokes (cun): a nearly dry brush dragged down the slopes. */
function dragDryBrush(canvas: Canvas, random: Random): void {
  for (const [x, y] of scatter(canvas, 9, random)) {
    const { density, slope } = wetInk(x, y);
    if (random.next() > density - 0.05) continue;
    const long = random.between(14, 40);
    const end: Point = [x + long * Math.cos(slope), y + long * Math.sin(slope)];
    const brush = {
      width: random.between(2.5, 8),
      opacity: random.between(0.3, 0.85) * clamp(density + 0.2),
      dryness: random.between(0.7, 1),
      streak: 0.05,
      body: 0,
    };
    stroke(canvas, bend([x, y], [x + long * 0.3, y + long * 0.6], end), ink, brush, random);
  }
}

const blade = (t: number): number => Math.sin(Math.PI * t ** 0.6) ** 0.8;

/** A culm of bamboo, segment on segment, with leaves that fall from its knots. */
function bamboo(canvas: Canvas, foot: Point, lean: number, width: number, random: Random): void {
  const culm: Brush = { width, opacity: 0.92, dryness: 0.62, streak: 0.12, body: 0 };
  let knot = foot;
  while (knot[1] > -60) {
    const run = random.between(50, 84);
    const next: Point = [knot[0] + run * lean, knot[1] - run];
    stroke(
      canvas,
      bend([knot[0], knot[1] - 4], [knot[0] + 2, knot[1] - run / 2], next),
      ink,
      culm,
      random,
    );
    stroke(
      canvas,
      [
        [next[0] - width * 0.6, next[1] - 1],
        [next[0] + width * 0.6, next[1] - 3],
      ],
      ink,
      { ...culm, width: 4, dryness: 0.2 },
      random,
    );
    for (let leaf = 0; leaf < 7; leaf++) {
      const angle = Math.PI / 2 + random.between(-1.25, 1.25);
      const long = random.between(44, 96);
      const from: Point = [next[0] + random.between(-26, 26), next[1] + random.between(-22, 14)];
      const tip: Point = [from[0] + long * Math.cos(angle), from[1] + long * Math.sin(angle)];
      const middle: Point = [
        from[0] + 0.6 * long * Math.cos(angle),
        from[1] + 0.25 * long * Math.sin(angle),
      ];
      const wet = random.next();
      const brush = {
        ...culm,
        width: random.between(9, 17),
        opacity: lerp(0.35, 0.97, wet),
        dryness: 0.5 * random.next(),
        pressure: blade,
      };
      stroke(canvas, bend(from, middle, tip), mix(thinInk, ink, wet), brush, random);
    }
    knot = next;
  }
}

function stamp(canvas: Canvas): void {
  canvas.fill(
    [438, 26, 486, 84],
    (x, y) => {
      const edge = Math.min(x - 442, 480 - x, y - 32, 80 - y) + 1.6 * noise(x / 4, y / 4, 50);
      const glyph = Math.abs(((x - 442) % 13) - 6) < 1.8 || Math.abs(((y - 32) % 12) - 6) < 1.6;
      const cut = glyph && noise(x / 9, y / 9, 51) > -0.25 && edge > 4;
      return cut ? 0.1 : 0.92 * smoothstep(0, 1, edge);
    },
    seal,
  );
}

export const inkWash: Plate = {
  id: 'ink-wash',
  name: 'Ink wash',
  description:
    'Sumi-e on fibrous paper: blooming grey washes, dry black brushwork and one vermilion seal.',
  width: 512,
  height: 512,
  draw(canvas) {
    const random = new Random(1495);
    canvas.wash((x, y) => {
      const settled = 0.09 * fractal(x / 5, y / 5, 30, 3) + 0.07 * noise(x / 1.5, y / 1.5, 31);
      const density = clamp(wetInk(x, y).density + settled, 0.02, 0.97);
      return multiply(paper(x, y), mix(WHITE, mix(thinInk, ink, density), density));
    });
    dragDryBrush(canvas, random);
    bamboo(canvas, [58, 540], 0.07, 17, random);
    bamboo(canvas, [432, 550], -0.06, 14, random);
    bamboo(canvas, [236, 560], 0.03, 10, random);
    stamp(canvas);
  },
};
