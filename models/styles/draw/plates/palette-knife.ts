import { scatter } from '../kit/brush.ts';
import type { Canvas } from '../kit/canvas.ts';
import { mix, ramp, type Rgb, vary } from '../kit/color.ts';
import { light } from '../kit/light.ts';
import { smoothstep } from '../kit/math.ts';
import { fractal, hash, noise } from '../kit/noise.ts';
import { Random } from '../kit/random.ts';
import type { Plate } from '../plate.ts';

const leaves = ramp('#5c0f2c', '#b3161f', '#e8481c', '#f79a1e', '#ffd95c');
const shade = ramp('#1a1440', '#3b1d5e', '#6a2a6c', '#a33a5c');
const gap = ramp('#2a7f9e', '#7cc8cf', '#f4ecc2');
const pond = ramp('#14204e', '#23527e', '#5f9ab0', '#f2b25e');

const WATERLINE = 356;

/** An autumn wood by a pond: pale trunks, burning crowns, the same upside down in the water. */
function wood(x: number, y: number): Rgb {
  const trunk = Math.floor((x + 14 * noise(x / 90, y / 130, 1)) / 44);
  const middle = (trunk + 0.25 + 0.5 * hash(trunk, 1, 2)) * 44;
  const wide = 3 + 7 * hash(trunk, 2, 2);
  const bark = Math.abs(x + 14 * noise(x / 90, y / 130, 1) - middle) < wide;
  if (bark && y > 60)
    return hash(Math.floor(y / 13), trunk, 3) < 0.28 ? [0.13, 0.09, 0.17] : [0.95, 0.88, 0.78];
  const crown = fractal(x / 62, y / 48, 4, 4) + 0.25 * smoothstep(300, 60, y);
  if (crown < -0.24) return gap(0.4 + 0.9 * noise(x / 34, y / 34, 5) + 0.3 * (1 - y / WATERLINE));
  if (crown < 0.02 || y > 300 + 22 * noise(x / 30, 0, 6))
    return shade(0.55 + fractal(x / 28, y / 28, 7));
  return leaves(0.5 + 0.85 * fractal(x / 30, y / 26, 8, 3));
}

function color(x: number, y: number): Rgb {
  if (y < WATERLINE) return wood(x, y);
  const mirrored = wood(x + 16 * noise(x / 50, y / 7, 9), 2 * WATERLINE - y - 10);
  return mix(mirrored, pond(0.4 + 0.7 * noise(x / 70, y / 10, 10)), 0.42);
}

const direction = (x: number, y: number): number =>
  y > WATERLINE
    ? 0.14 * noise(x / 40, y / 20, 11)
    : 2.2 * fractal(x / 110, y / 110, 12) + (y > 292 ? 0 : 1.05);

/** One pull of the knife: two colours drawn out in streaks, a ridge left at the sides and at the lift. */
function slab(
  canvas: Canvas,
  x: number,
  y: number,
  angle: number,
  long: number,
  wide: number,
  colors: readonly [Rgb, Rgb],
  seed: number,
): void {
  const reach = (long + wide) / 2 + 2;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  canvas.within([x - reach, y - reach, x + reach, y + reach], (px, py, cell) => {
    const u = ((px - x) * c + (py - y) * s) / (long / 2);
    const v = ((py - y) * c - (px - x) * s) / (wide / 2);
    const streak = noise(v * wide * 0.28, u * 0.7, seed);
    const fine = noise(v * wide * 0.9, u * 1.5, seed + 1);
    const ragged = 0.16 * noise(u * long * 0.12, v * 3, seed + 2);
    const edge = Math.max(Math.abs(u) + 0.14 * streak + ragged, Math.abs(v) + ragged);
    if (edge > 1) return;
    // The knife skips where the paint runs out.
    const skipped = smoothstep(0.25, 0.95, u) * smoothstep(0.05, 0.5, fine + 0.3 * streak);
    const opacity = 0.98 * smoothstep(1, 0.94, edge) * (1 - 0.9 * skipped);
    canvas.blend(cell, mix(...colors, smoothstep(-0.4, 0.5, streak + 0.35 * fine)), opacity);
    const ridge =
      1.9 * smoothstep(0.7, 0.95, Math.abs(v)) +
      1.6 * smoothstep(0.75, 0.95, u) +
      0.55 * fine +
      0.9;
    canvas.relief[cell] = (canvas.relief[cell] ?? 0) * (1 - opacity) + ridge * opacity;
  });
}

export const paletteKnife: Plate = {
  id: 'palette-knife',
  name: 'Palette knife',
  description:
    'Impasto slabs of crimson, orange and gold against violet shade, ridged where the knife lifts.',
  width: 512,
  height: 512,
  draw(canvas) {
    const random = new Random(1905);
    canvas.wash(color);
    for (const { long, wide, spacing } of [
      { long: 88, wide: 34, spacing: 24 },
      { long: 60, wide: 23, spacing: 20 },
      { long: 38, wide: 14, spacing: 22 },
    ]) {
      for (const [x, y] of scatter(canvas, spacing, random)) {
        const seen = color(x, y);
        const own = vary(seen, 0.05 * random.bell(), 1.08, 0.14 * random.bell());
        const second = vary(
          color(x + 12 * random.bell(), y + 12 * random.bell()),
          0.09 * random.bell(),
          1,
          0.2 * random.bell(),
        );
        const angle = direction(x, y) + 0.35 * random.bell();
        const size = random.between(0.7, 1.25);
        slab(
          canvas,
          x,
          y,
          angle,
          long * size,
          wide * size,
          [own, second],
          Math.floor(random.next() * 1e6),
        );
      }
    }
    light(canvas, 0.55, 0.3);
  },
};
