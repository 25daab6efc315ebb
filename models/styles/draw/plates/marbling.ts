import { brighten, hex, mix, type Rgb } from '../kit/color.ts';
import { fraction, smoothstep } from '../kit/math.ts';
import { fractal, noise } from '../kit/noise.ts';
import { Random } from '../kit/random.ts';
import type { Plate } from '../plate.ts';

/** One touch of the bath, told backwards: where the paint at a point was before it, or its colour. */
type Touch = (x: number, y: number) => { x: number; y: number; color?: Rgb };

const bath = hex('#f4e6c6');
const inks = [
  '#12224f',
  '#0f6f86',
  '#c8321f',
  '#f0a51e',
  '#f7efdc',
  '#7d1533',
  '#2f9d8c',
  '#12224f',
];

/** A drop pushes all paint outwards and keeps every drop's area (Jaffer's mathematical marbling). */
const drop =
  (cx: number, cy: number, radius: number, color: Rgb): Touch =>
  (x, y) => {
    const [dx, dy] = [x - cx, y - cy];
    const square = dx * dx + dy * dy;
    if (square < radius * radius) return { x, y, color };
    const back = Math.sqrt(1 - (radius * radius) / square);
    return { x: cx + dx * back, y: cy + dy * back };
  };

/** A comb of needles drawn across the bath; paint follows the nearest needle, less with distance. */
const comb =
  (angle: number, pitch: number, pull: number, sharpness: number, offset = 0, sway = 0): Touch =>
  (x, y) => {
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const across = y * c - x * s + sway * Math.sin((x * c + y * s) / 26);
    const far = Math.abs(fraction((across - offset) / pitch) - 0.5) * pitch;
    const shift = pull / (1 + far / sharpness);
    return { x: x - shift * c, y: y - shift * s };
  };

function touches(random: Random): Touch[] {
  const colors = inks.map(hex);
  const drops = Array.from({ length: 340 }, () =>
    drop(
      random.between(-90, 602),
      random.between(-90, 602),
      random.between(9, 34),
      random.pick(colors),
    ),
  );
  return [
    ...drops,
    comb(Math.PI / 2, 84, 95, 13),
    comb(-Math.PI / 2, 84, 95, 13, 42),
    comb(0, 26, 62, 4.5),
    comb(Math.PI / 2, 132, 74, 20, 30, 12),
  ];
}

export const marbling: Plate = {
  id: 'marbling',
  name: 'Marbled paper',
  description:
    'Ebru: drops of indigo, crimson, teal and saffron on a bath, drawn with combs into feathered waves.',
  width: 512,
  height: 512,
  draw(canvas) {
    const backwards = touches(new Random(1575)).reverse();
    canvas.wash((x, y): Rgb => {
      let place = {
        x: x + 1.2 * noise(x / 17, y / 17, 1),
        y: y + 1.2 * noise(x / 17, y / 17, 2),
      };
      let color: Rgb = bath;
      for (const before of backwards) {
        const was = before(place.x, place.y);
        if (was.color) {
          color = was.color;
          break;
        }
        place = was;
      }
      // Ink spreads unevenly, gathers in fine specks and soaks into the paper's felt.
      const body =
        1 + 0.1 * fractal(x / 9, y / 9, 3) + 0.08 * fractal(place.x / 6, place.y / 6, 4, 2);
      const speck = smoothstep(0.55, 0.68, noise(x / 2.6, y / 2.6, 5));
      return mix(
        brighten(color, body),
        bath,
        0.55 * speck * smoothstep(0, 0.5, noise(x / 60, y / 60, 6) + 0.3),
      );
    });
  },
};
