import { scatter } from '../kit/brush.ts';
import { brighten, hex, mix, ramp, type Rgb, vary } from '../kit/color.ts';
import { fraction, type Point, smoothstep } from '../kit/math.ts';
import { fractal, hash, noise } from '../kit/noise.ts';
import { Random } from '../kit/random.ts';
import { neighbourhood } from '../kit/voronoi.ts';
import type { Plate } from '../plate.ts';

const grout = hex('#3a322b');
const sea = ramp('#0d3b52', '#12788c', '#49b7ac', '#d8ecd2');
const gold = ramp('#7a4a10', '#d99a20', '#ffdf7a');
const clay = ramp('#6e1f14', '#c2502a', '#f0a070');
const marble = ramp('#c8b89c', '#f5ecd8');

/** Wheels of the floor: where, how wide, and the colours of their rings. */
const wheels = [
  { x: 176, y: 190, reach: 150, rings: [gold, clay, marble, sea, gold, clay] },
  { x: 420, y: 392, reach: 128, rings: [marble, sea, gold, sea, clay, gold] },
  { x: 430, y: 96, reach: 84, rings: [clay, gold, sea, marble] },
  { x: 92, y: 436, reach: 88, rings: [sea, marble, clay, gold] },
];

function wheelAt(
  x: number,
  y: number,
): { far: number; wheel: (typeof wheels)[number] } | undefined {
  for (const wheel of wheels) {
    const far = Math.hypot(x - wheel.x, y - wheel.y) / wheel.reach;
    if (far < 1) return { far, wheel };
  }
  return undefined;
}

/** Waves between the wheels, the wheels' rings and petals inside: also the way the tesserae lie. */
const swell = (x: number, y: number): number => y / 34 + 0.9 * Math.sin(x / 58 + y / 130);

function color(x: number, y: number): Rgb {
  const found = wheelAt(x, y);
  if (!found) {
    const wave = fraction(swell(x, y));
    return wave < 0.16 ? marble(0.8) : wave > 0.88 ? gold(0.5) : sea(0.05 + 0.75 * wave);
  }
  const { far, wheel } = found;
  if (far > 0.9) return marble(0.7);
  const angle = Math.atan2(y - wheel.y, x - wheel.x);
  const petal = 0.09 * Math.cos(8 * angle);
  const ring = Math.floor((far / 0.9 + petal * smoothstep(0.1, 0.5, far)) * wheel.rings.length);
  const tone = wheel.rings[Math.min(Math.max(ring, 0), wheel.rings.length - 1)] ?? gold;
  return tone(0.5 + 0.35 * Math.sin(8 * angle + ring * 2));
}

function direction(x: number, y: number): number {
  const found = wheelAt(x, y);
  if (found) return Math.atan2(y - found.wheel.y, x - found.wheel.x) + Math.PI / 2;
  const across = (0.9 / 58) * Math.cos(x / 58 + y / 130);
  const down = 1 / 34 + (0.9 / 130) * Math.cos(x / 58 + y / 130);
  return Math.atan2(-across, down);
}

const SIZE = 12.5;
const REACH = SIZE * 1.7;

/** Square cells in the seed's own orientation: distance that grows like a tessera's edge. */
const squareMetric = (angles: readonly number[]) => (dx: number, dy: number, seed: number) => {
  const angle = angles[seed] ?? 0;
  const along = Math.abs(dx * Math.cos(angle) + dy * Math.sin(angle));
  const across = Math.abs(dy * Math.cos(angle) - dx * Math.sin(angle));
  return Math.max(along * 0.86, across);
};

/** Hausner's relaxation: seeds move to the middle of their square cells until they lie in courses. */
function settle(seeds: Point[], width: number, height: number, rounds: number): Point[] {
  let settled = seeds;
  for (let round = 0; round < rounds; round++) {
    const angles = settled.map(([x, y]) => direction(x, y));
    const find = neighbourhood(settled, REACH, squareMetric(angles));
    const sums = settled.map(() => ({ x: 0, y: 0, count: 0 }));
    for (let y = -SIZE; y < height + SIZE; y += 1.5) {
      for (let x = -SIZE; x < width + SIZE; x += 1.5) {
        const sum = sums[find(x, y).nearest];
        if (!sum) continue;
        sum.x += x;
        sum.y += y;
        sum.count += 1;
      }
    }
    settled = settled.map((seed, i) => {
      const sum = sums[i];
      return sum && sum.count > 0 ? [sum.x / sum.count, sum.y / sum.count] : seed;
    });
  }
  return settled;
}

export const mosaic: Plate = {
  id: 'mosaic',
  name: 'Mosaic',
  description:
    'Stone and gold tesserae set in courses along waves and wheels, with dark grout between them.',
  width: 512,
  height: 512,
  draw(canvas) {
    const seeds = settle(scatter(canvas, SIZE, new Random(547)), canvas.width, canvas.height, 14);
    const angles = seeds.map(([x, y]) => direction(x, y) + 0.12 * noise(x / 20, y / 20, 1));
    const find = neighbourhood(seeds, REACH, squareMetric(angles));
    canvas.wash((x, y): Rgb => {
      const chipX = x + 0.9 * noise(x / 5, y / 5, 2);
      const chipY = y + 0.9 * noise(x / 5, y / 5, 3);
      const { nearest, near, far } = find(chipX, chipY);
      const [cx, cy] = seeds[nearest] ?? [x, y];
      const [h1, h2, h3] = [hash(nearest, 1, 7), hash(nearest, 2, 7), hash(nearest, 3, 7)];
      const stone = vary(color(cx, cy), 0.17 * (h1 - 0.5), 1.1, 0.5 * (h2 - 0.5));
      // Every tessera is set at its own tilt, so it catches the light in its own way.
      const tilt = 2 * Math.PI * h3;
      const sheen = 0.16 * (((x - cx) * Math.cos(tilt) + (y - cy) * Math.sin(tilt)) / SIZE);
      const veins = 0.09 * fractal(x / 4 + nearest, y / 4, 8, 3);
      const gap = (far - near) / 2;
      const edge = smoothstep(0.55, 1.25, gap);
      const bevel = 0.2 * smoothstep(2.6, 1, gap) * ((x - cx + y - cy) / SIZE);
      const bed = brighten(grout, 1 + 0.35 * noise(x / 1.6, y / 1.6, 9));
      return mix(bed, brighten(stone, 1 + sheen + veins - bevel), edge);
    });
  },
};
