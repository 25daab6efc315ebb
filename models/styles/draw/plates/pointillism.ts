import { hex, mix, ramp, type Rgb, vary } from '../kit/color.ts';
import { light } from '../kit/light.ts';
import { smoothstep } from '../kit/math.ts';
import { fractal, noise } from '../kit/noise.ts';
import { poissonDisc } from '../kit/poisson-disc.ts';
import { Random } from '../kit/random.ts';
import type { Plate } from '../plate.ts';

const sky = ramp('#f58f6c', '#fbc56f', '#a9d6ea', '#4f95e2');
const river = ramp('#1c4f9c', '#3f8fd0', '#9ad0e0', '#f9dca8');
const meadow = ramp('#1f6b3a', '#6fae4c', '#e3c25a', '#fbd9a4');
const ground = hex('#fbf0d8');
const wood = ramp('#1a2c66', '#1f6a54', '#4f9a3f', '#d0b23a');

const bank = (x: number): number => 300 + 0.32 * (x - 256) + 24 * Math.sin(x / 70);

/** A summer river: trees on the far side, sails, a sunlit bank with long violet shadows. */
function scene(x: number, y: number): Rgb {
  const crowns = 168 - 46 * Math.abs(Math.sin(x / 47 + 0.6)) - 22 * noise(x / 22, 1, 2);
  if (y > bank(x)) {
    const shadow = smoothstep(-0.05, 0.2, noise((x + 0.8 * y) / 70, y / 34, 7));
    const flowers = smoothstep(0.45, 0.6, noise(x / 9, y / 9, 8));
    const grass = mix(
      meadow(0.62 + 0.5 * fractal(x / 40, y / 24, 6)),
      [0.2, 0.14, 0.5],
      0.85 * shadow,
    );
    return mix(grass, noise(x / 70, y / 70, 9) > 0 ? [0.92, 0.2, 0.32] : [1, 0.62, 0.12], flowers);
  }
  for (const [sailX, foot, height] of [
    [104, 238, 118],
    [330, 266, 146],
    [224, 216, 74],
  ] as const) {
    const up = (foot - y) / height;
    if (up > 0 && up < 1 && x > sailX && x < sailX + 0.56 * height * (1 - up))
      return [0.93, 0.5 - 0.2 * up, 0.26];
    if (up <= 0 && up > -0.14 && Math.abs(x - sailX - 14) < 0.42 * height) return [0.12, 0.14, 0.4];
  }
  if (y > 190) return river(0.42 + 0.5 * noise(x / 60, y / 9, 5) + 0.2 * smoothstep(190, 250, y));
  if (y > crowns)
    return wood(0.35 + 0.6 * fractal(x / 30, y / 26, 4) + 0.25 * smoothstep(190, 130, y));
  return sky(1.05 - y / 160 + 0.25 * fractal(x / 90, y / 40, 3));
}

export const pointillism: Plate = {
  id: 'pointillism',
  name: 'Pointillism',
  description:
    'A summer river in pure dots: every tone breaks into warm and cold neighbours that mix in the eye.',
  width: 512,
  height: 512,
  draw(canvas) {
    const random = new Random(1886);
    canvas.wash((x, y) => mix(scene(x, y), ground, 0.7));
    // Primed canvas shows between the dots where there is light; in the shade they lie close.
    for (const open of [0.5, 0.1]) {
      for (const [x, y] of poissonDisc(canvas, 7.5, random)) {
        const seen = scene(x, y);
        const shade = 1 - (0.3 * seen[0] + 0.59 * seen[1] + 0.11 * seen[2]);
        if (random.next() > open + 1.3 * shade) continue;
        const turned =
          random.next() < 0.14 ? Math.PI * random.between(0.75, 1.1) : 0.28 * random.bell();
        const color = vary(seen, 0.09 * random.bell() - 0.06, 1.35, turned);
        const size = random.between(1.2, 6);
        canvas.within([x - size, y - size, x + size, y + size], (px, py, cell) => {
          const far = Math.hypot(px - x, py - y) / size;
          if (far > 1) return;
          canvas.blend(cell, color, smoothstep(1, 0.85, far));
          canvas.relief[cell] = 1.4 * Math.sqrt(1 - far * far);
        });
      }
    }
    light(canvas, 0.1, 0.04);
  },
};
