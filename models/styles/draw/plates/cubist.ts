import { hex, mix, ramp, type Rgb } from '../kit/color.ts';
import { light } from '../kit/light.ts';
import { clamp, type Point, smoothstep } from '../kit/math.ts';
import { fractal, noise } from '../kit/noise.ts';
import { paint } from '../kit/painting.ts';
import { Random } from '../kit/random.ts';
import type { Plate } from '../plate.ts';

const line = hex('#1c1410');
const tones = [
  ramp('#6b3c10', '#d08c2a', '#ffd98a'),
  ramp('#124058', '#3f8da0', '#bce6df'),
  ramp('#6a5020', '#d9bd78', '#fff6d8'),
  ramp('#1c2a10', '#5f7f2a', '#c9d070'),
  ramp('#4a0f0c', '#c23c1e', '#f7a26a'),
  ramp('#15181c', '#4a5560', '#b4c0c8'),
  ramp('#8d7b58', '#eadcb4', '#fffaf0'),
];

/** A plane cut by straight lines, each side cut again: a binary space partition. */
interface Facet {
  readonly tone: (t: number) => Rgb;
  readonly angle: number;
  readonly middle: Point;
  readonly size: number;
}
interface Cut {
  readonly point: Point;
  readonly angle: number;
  readonly sides: readonly [Plane, Plane];
}
type Plane = Facet | Cut;

function shatter(low: Point, high: Point, depth: number, random: Random): Plane {
  const [w, h] = [high[0] - low[0], high[1] - low[1]];
  const middle: Point = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
  if (depth === 0 || (Math.max(w, h) < 110 && random.next() < 0.4)) {
    return {
      tone: random.pick(tones),
      angle: random.between(0, 2 * Math.PI),
      middle,
      size: Math.max(w, h),
    };
  }
  const upright = w * random.between(0.6, 1.4) > h;
  const share = random.between(0.36, 0.64);
  const point: Point = upright ? [low[0] + w * share, middle[1]] : [middle[0], low[1] + h * share];
  const angle = (upright ? Math.PI / 2 : 0) + random.between(-0.55, 0.55);
  const [firstHigh, secondLow]: [Point, Point] = upright
    ? [
        [point[0], high[1]],
        [point[0], low[1]],
      ]
    : [
        [high[0], point[1]],
        [low[0], point[1]],
      ];
  const first = shatter(low, firstHigh, depth - 1, random);
  const second = shatter(secondLow, high, depth - 1, random);
  // The side that lies to the left of the line's direction comes first.
  return { point, angle, sides: upright ? [second, first] : [first, second] };
}

function find(plane: Plane, x: number, y: number): { facet: Facet; edge: number } {
  let [at, edge] = [plane, Infinity];
  while ('sides' in at) {
    const across = (y - at.point[1]) * Math.cos(at.angle) - (x - at.point[0]) * Math.sin(at.angle);
    edge = Math.min(edge, Math.abs(across));
    at = at.sides[across < 0 ? 0 : 1];
  }
  return { facet: at, edge };
}

/** Rounds that cut through the facets: a guitar's waist, a glass, a table's rim. */
const rounds = [
  { x: 214, y: 318, radius: 104 },
  { x: 300, y: 182, radius: 78 },
  { x: 214, y: 318, radius: 34 },
  { x: 420, y: 402, radius: 66 },
  { x: 92, y: 120, radius: 58 },
];

export const cubist: Plate = {
  id: 'cubist',
  name: 'Cubist facets',
  description:
    'A still life broken into tilted planes of ochre, petrol, olive and brick, shaded from edge to edge.',
  width: 512,
  height: 512,
  draw(canvas) {
    const random = new Random(1911);
    const planes = shatter([-20, -20], [532, 532], 6, random);
    const other = shatter([-20, -20], [532, 532], 6, random);
    const seen = (x: number, y: number): { facet: Facet; edge: number } => {
      let [inside, rim] = [0, Infinity];
      for (const { x: cx, y: cy, radius } of rounds) {
        const far = Math.hypot(x - cx, y - cy) - radius;
        if (far < 0) inside += 1;
        rim = Math.min(rim, Math.abs(far));
      }
      const { facet, edge } = find(inside % 2 === 1 ? other : planes, x, y);
      return { facet, edge: Math.min(edge, rim) };
    };
    const color = (x: number, y: number): Rgb => {
      const { facet, edge } = seen(x, y);
      const [cx, cy] = facet.middle;
      const slope =
        ((x - cx) * Math.cos(facet.angle) + (y - cy) * Math.sin(facet.angle)) / facet.size;
      const tone = facet.tone(clamp(0.56 + 1.1 * slope + 0.18 * fractal(x / 30, y / 30, 1)));
      return mix(
        tone,
        line,
        0.5 * smoothstep(6, 0, edge) * smoothstep(-0.3, 0.3, noise(x / 60, y / 60, 2)),
      );
    };
    const direction = (x: number, y: number): number => seen(x, y).facet.angle + Math.PI / 2;
    canvas.wash(color);
    const oil = { opacity: 0.9, dryness: 0.55, streak: 0.03 };
    paint(
      canvas,
      { color, direction },
      [
        { ...oil, width: 9, length: 22, spacing: 8, body: 1.1, stray: [0.03, 0.12] },
        { ...oil, width: 5, length: 13, spacing: 7, body: 1.5, stray: [0.05, 0.2] },
      ],
      random,
    );
    canvas.wash((x, y, under) => {
      const { edge } = seen(x + 0.8 * noise(x / 9, y / 9, 3), y + 0.8 * noise(x / 9, y / 9, 4));
      const weight = 1.9 + 1.1 * noise(x / 44, y / 44, 5);
      return mix(under, line, 0.88 * smoothstep(weight + 0.7, weight - 0.3, edge));
    });
    light(canvas, 0.25, 0.05);
  },
};
