import { brighten, hex, mix, ramp, type Rgb, vary } from '../kit/color.ts';
import { fraction, smoothstep } from '../kit/math.ts';
import { fractal, hash, noise } from '../kit/noise.ts';
import type { Plate } from '../plate.ts';

const grout = hex('#3f352c');
const lapis = ramp('#0d2f66', '#1f63b4', '#6db4e4');
const gold = ramp('#8a5a12', '#dfa226', '#ffe083');
const clay = ramp('#7a2817', '#c9562e', '#f2a678');
const marble = ramp('#d5c5a6', '#fff6e2');

/** How wide a tessera is with its share of the grout. */
const SIZE = 16;

/** Wheels of the floor: where, how many rings wide, and the stones of their rings from the middle. */
const wheels = [
  {
    x: 186,
    y: 202,
    rings: [gold, clay, marble, gold, clay, marble, lapis, marble, clay],
  },
  { x: 430, y: 420, rings: [lapis, marble, gold, clay, gold, marble] },
];

interface Tessera {
  /** Names the stone: equal all over it, different in the next. */
  readonly row: number;
  readonly column: number;
  /** The way from the stone's middle, in its own directions. */
  readonly along: number;
  readonly across: number;
  readonly stone: (t: number) => Rgb;
}

/** Rings of stones in the wheels, courses of waves between them. */
function tesseraAt(x: number, y: number): Tessera {
  for (const [i, wheel] of wheels.entries()) {
    const far = Math.hypot(x - wheel.x, y - wheel.y) / SIZE;
    const ring = Math.floor(far);
    const stone = wheel.rings[ring];
    if (!stone) continue;
    const count = Math.round(2 * Math.PI * (ring + 0.5));
    const turn = (Math.atan2(y - wheel.y, x - wheel.x) / (2 * Math.PI) + hash(ring, i, 3)) * count;
    return {
      row: 1000 * (i + 1) + ring,
      column: Math.floor(turn) % count,
      along: ((fraction(turn) - 0.5) * SIZE * 2 * Math.PI * far) / count,
      across: (fraction(far) - 0.5) * SIZE,
      stone,
    };
  }
  const [u, v] = [x / SIZE + 1.1 * noise(y / 130, x / 150, 30), y / SIZE + 1.3 * wave(x, y)];
  const row = Math.floor(v);
  const place = u + 0.5 * (row % 2) + 0.3 * hash(row, 1, 4);
  return {
    row,
    column: Math.floor(place),
    along: (fraction(place) - 0.5) * SIZE,
    across: (fraction(v) - 0.5) * SIZE,
    stone: sea(row + Math.floor(2.2 * noise(place / 9, row / 7, 31))),
  };
}

const wave = (x: number, y: number): number =>
  Math.sin(x / 62 + y / 150) + noise(x / 90, y / 90, 29);

/** Bands of the sea, a few courses each. */
function sea(row: number): (t: number) => Rgb {
  const band = fraction(row / 9);
  return band < 0.4 ? lapis : band < 0.52 ? gold : marble;
}

export const mosaic: Plate = {
  id: 'mosaic',
  name: 'Mosaic',
  description:
    'Square tesserae of marble, lapis, gold and clay, set in rings and in courses along waves, with dark grout between them.',
  width: 512,
  height: 512,
  draw(canvas) {
    canvas.wash((x, y): Rgb => {
      const chipX = x + 0.8 * noise(x / 5, y / 5, 2);
      const chipY = y + 0.8 * noise(x / 5, y / 5, 3);
      const { row, column, along, across, stone } = tesseraAt(chipX, chipY);
      const [h1, h2, h3] = [hash(column, row, 7), hash(column, row, 8), hash(column, row, 9)];
      const cut = vary(stone(0.2 + 0.6 * h1), 0, 1.05, 0.3 * (h2 - 0.5));
      // Every tessera is set at its own tilt, so it catches the light in its own way.
      const tilt = 2 * Math.PI * h3;
      const sheen = 0.14 * ((along * Math.cos(tilt) + across * Math.sin(tilt)) / SIZE);
      const veins = 0.07 * fractal(x / 4 + column, y / 4, 10, 3);
      const gap = SIZE / 2 - Math.max(Math.abs(along + h2 - 0.5), Math.abs(across + h3 - 0.5));
      const bed = brighten(grout, 1 + 0.35 * noise(x / 1.6, y / 1.6, 11));
      return mix(bed, brighten(cut, 1 + sheen + veins), smoothstep(0.9, 1.7, gap));
    });
  },
};
