import { stroke } from '../kit/brush.ts';
import type { Canvas } from '../kit/canvas.ts';
import { hex, mix, multiply, type Rgb } from '../kit/color.ts';
import { clamp, lerp, type Point, smoothstep } from '../kit/math.ts';
import { fractal, noise } from '../kit/noise.ts';
import { Random } from '../kit/random.ts';
import type { Plate } from '../plate.ts';

const ink = hex('#1a1c22');
const seal = hex('#b3271e');

/** Mountain after mountain, each paler below where the mist stands. */
const mountains = [
  { base: 178, height: 150, width: 120, seed: 3, dark: 0.34 },
  { base: 262, height: 150, width: 96, seed: 6, dark: 0.5 },
  { base: 356, height: 136, width: 84, seed: 9, dark: 0.68 },
  { base: 470, height: 108, width: 104, seed: 12, dark: 0.88 },
];

/** How much ink stands at a place in a wet wash: strong at the crest, fading down, pooled in blots. */
function wetInk(x: number, y: number): number {
  let density = 0.14 + 0.2 * smoothstep(-0.1, 0.7, fractal(x / 150, y / 46, 20, 4));
  for (const { base, height, width, seed, dark } of mountains) {
    const bleed = 5 * fractal(x / 11, y / 11, seed + 1, 3);
    const crest = base - height * (0.45 + 0.8 * fractal(x / width, 0.5, seed, 4)) + bleed;
    const depth = y - crest;
    if (depth < 0) continue;
    const mist = smoothstep(130, 18, depth + 34 * fractal(x / 70, y / 30, seed + 2, 3));
    const rim = 0.3 * smoothstep(5, 0.5, depth);
    const folds =
      0.35 * smoothstep(0.05, 0.5, fractal(x / 26 + depth / 60, depth / 64, seed + 3, 4));
    density = lerp(density * 0.75, dark * (0.52 + rim + folds), mist) + 0.03;
  }
  return density + 0.07 * fractal(x / 5, y / 5, 30, 3) + 0.05 * noise(x / 1.5, y / 1.5, 31);
}

function paper(x: number, y: number): Rgb {
  const fibres = noise(x / 2.2, y / 26, 40) + noise(x / 30, y / 1.8, 41);
  return mix(
    hex('#f3ead6'),
    hex('#d3c3a2'),
    clamp(0.35 + 0.2 * fibres + 0.3 * fractal(x / 60, y / 60, 42)),
  );
}

/** A culm of bamboo: dry segments with a knot between, and leaves that spring from the knots. */
function bamboo(canvas: Canvas, foot: Point, lean: number, width: number, random: Random): void {
  const dry = { width, opacity: 0.9, dryness: 0.95, streak: 0.1, body: 0 };
  let [x, y] = foot;
  while (y > -40) {
    const run = random.between(52, 78);
    const next: Point = [x + run * lean, y - run];
    const middle: Point = [(x + next[0]) / 2 + random.between(-2, 2), (y + next[1]) / 2];
    stroke(canvas, [[x, y - 3], middle, next], ink, dry, random);
    for (let leaf = random.between(2, 6); leaf > 0; leaf--) {
      const angle = random.between(0.1, 0.9) * (random.next() < 0.5 ? 1 : Math.PI / 0.9 - 1);
      const long = random.between(34, 74);
      const tip: Point = [
        next[0] + long * Math.cos(angle),
        next[1] + long * Math.abs(Math.sin(angle)),
      ];
      const bend: Point = [(next[0] + tip[0]) / 2, (next[1] + tip[1]) / 2 - long * 0.14];
      const blade = {
        ...dry,
        width: random.between(5, 11),
        opacity: random.between(0.55, 1),
        dryness: random.between(0.3, 0.9),
      };
      stroke(canvas, [next, bend, tip], ink, blade, random);
    }
    [x, y] = next;
  }
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
      const density = clamp(wetInk(x, y), 0.02, 0.97);
      return multiply(paper(x, y), mix([1, 1, 1], mix(hex('#59606b'), ink, density), density));
    });
    bamboo(canvas, [64, 530], 0.06, 15, random);
    bamboo(canvas, [136, 530], -0.08, 9, random);
    bamboo(canvas, [452, 540], -0.05, 12, random);
    canvas.fill(
      [440, 30, 482, 84],
      (x, y) => {
        const edge = Math.min(x - 442, 480 - x, y - 32, 82 - y) + 1.6 * noise(x / 4, y / 4, 50);
        const glyph = Math.abs(((x - 442) % 13) - 6) < 1.6 || Math.abs(((y - 32) % 12) - 6) < 1.4;
        const cut = glyph && noise(x / 9, y / 9, 51) > -0.25 && edge > 4;
        return cut ? 0.1 : 0.92 * smoothstep(0, 1, edge);
      },
      seal,
    );
    canvas.wash((x, y, under) =>
      mix(under, paper(x, y), 0.14 * smoothstep(0.2, 0.8, noise(x / 1.8, y / 5, 60))),
    );
  },
};
