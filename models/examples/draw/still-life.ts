import { fraction } from '../../styles/draw/kit/math.ts';
import { Random } from '../../styles/draw/kit/random.ts';
import type { Camera } from './camera.ts';
import {
  bottle,
  bottleGlass,
  bowl,
  delft,
  jug,
  plaster,
  stoneware,
  tableAndCloth,
} from './crockery.ts';
import { apple, apples, grape, lemon, lemons, orange, pear, pears, stem } from './fruit.ts';
import { pathTracer, type Thing } from './path-tracer.ts';
import { group, lathe, plane, sphere } from './solids.ts';
import type { Texture } from './texture.ts';
import { mix, type Vector } from './vector.ts';

/** Fruit, a bottle and a jug by a window; one unit is a decimetre. */
export const stillLifeCamera: Camera = {
  from: [1.2, 4.4, -12.5],
  to: [0.15, 1.75, -0.2],
  focalLength: 1.72,
  aperture: 0.13,
  exposure: 2,
  raysPerPixel: 20,
};

const twig: Texture = () => ({ albedo: [0.11, 0.07, 0.04], coat: 0, roughness: 0 });

function grapes(): Thing {
  const random = new Random(7);
  const center: Vector = [1.75, 0.5, -1.6];
  const berries = Array.from({ length: 46 }, (_, i) => {
    const t = i / 46;
    const wide = 0.95 * (1 - t * 0.75);
    const turn = 2 * Math.PI * random.next();
    const reach = wide * Math.sqrt(random.next());
    const y = 0.24 + (1 - (reach / 0.95) ** 2) * 0.75 * (1 - t) * random.next();
    return sphere(
      [0.95 + 1.75 * t + 0.2 * reach * Math.cos(turn), y, -1.75 + reach * Math.sin(turn)],
      random.between(0.22, 0.27),
    );
  });
  return { solid: group(center, 1.75, berries), surface: grape };
}

const things: readonly Thing[] = [
  { solid: plane([0, 1, 0], 0), surface: tableAndCloth },
  { solid: plane([0, 0, -1], -4.2), surface: plaster },
  { solid: lathe([-2.1, 0, 1.5], bottle), surface: bottleGlass },
  { solid: lathe([2.75, 0, 1.4], jug), surface: delft },
  { solid: lathe([0.3, 0, 0.5], bowl), surface: stoneware },
  { solid: sphere([-0.55, 1.02, 0.2], 0.7), surface: orange(1) },
  { solid: sphere([0.25, 1, 1.25], 0.72), surface: orange(2) },
  { solid: sphere([0.35, 1.62, 0.42], 0.66), surface: orange(3) },
  { solid: lathe([1.05, 0.5, 0.05], apples, 0.35, -1.2), surface: apple(1.05, 0.05, 4) },
  { solid: lathe([1.18, 1.35, -0.22], stem, 0.5, -1), surface: twig },
  { solid: lathe([-3.05, 0, -0.5], apples, 0.12, 2), surface: apple(-3.05, -0.5, 6) },
  { solid: lathe([-3.07, 1, -0.45], stem, 0.2, 2), surface: twig },
  { solid: lathe([-1.75, 0, -1.5], pears, 0.05, 0.4), surface: pear },
  { solid: lathe([-1.68, 1.98, -1.46], stem, 0.4, 0.3), surface: twig },
  { solid: lathe([3.55, 0.62, -0.75], lemons, Math.PI / 2, 0.5), surface: lemon },
  grapes(),
];

/** How near a place is to a glazing bar of a window with two by two panes three units wide. */
const bar = (place: number): number => Math.abs(fraction(place / 3 + 0.5) - 0.5);

export const stillLife = pathTracer(
  things,
  {
    x: -7.5,
    low: [2.2, -5.5],
    high: [8.2, 0.5],
    light: (y, z) =>
      Math.min(bar(y - 2.2), bar(z + 5.5)) < 0.018
        ? [0.2, 0.17, 0.14]
        : mix([7.2, 6.6, 5.6], [5.6, 6.4, 7.4], (y - 2.2) / 6),
  },
  [0.12, 0.1, 0.085],
);
