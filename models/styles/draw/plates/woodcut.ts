import { hex, mix, type Rgb } from '../kit/color.ts';
import { clamp, fraction, smoothstep } from '../kit/math.ts';
import { fractal, noise } from '../kit/noise.ts';
import type { Plate } from '../plate.ts';

const paper = hex('#f0e4c8');
const ink = hex('#17120f');
const vermilion = hex('#d8401f');

/** What the cutter sees at a place: how dark, which way and how far apart to cut, printed red or not. */
interface Cut {
  readonly dark: number;
  /** Grows by one from cut to cut. */
  readonly phase: number;
  readonly red: number;
}

const ridges = [
  { base: 216, height: 96, width: 92, seed: 3, pitch: 7.5, slant: 0.9 },
  { base: 296, height: 74, width: 66, seed: 5, pitch: 8.5, slant: -0.7 },
  { base: 372, height: 50, width: 84, seed: 8, pitch: 9.5, slant: 0.5 },
  { base: 446, height: 36, width: 58, seed: 13, pitch: 11, slant: -0.35 },
];

const SUN = { x: 340, y: 118, radius: 62 };

function look(x: number, y: number): Cut {
  for (let i = ridges.length - 1; i >= 0; i--) {
    const ridge = ridges[i];
    if (!ridge) continue;
    const crest =
      ridge.base - ridge.height * (0.5 + 0.9 * fractal(x / ridge.width, 0.5, ridge.seed, 3));
    const depth = y - crest;
    if (depth < 0) continue;
    if (depth < 2.5) return { dark: 1, phase: 0, red: 0 };
    const facet = fractal(x / ridge.width + depth / 130, depth / 70, ridge.seed + 50, 3);
    const dark = clamp(0.52 + 0.75 * facet + 0.25 * smoothstep(60, 0, depth) - 0.1 * (i % 2));
    const along =
      x * Math.sin(ridge.slant) + depth * Math.cos(ridge.slant) * Math.sign(facet + 0.15);
    return { dark, phase: along / ridge.pitch + 0.9 * facet, red: i === 2 ? 1 : 0 };
  }
  const far = Math.hypot(x - SUN.x, y - SUN.y);
  if (far < SUN.radius) return { dark: 0.14 + 0.1 * (far / SUN.radius), phase: y / 9, red: 1 };
  const rays = far / 9.5 + 0.35 * noise(x / 40, y / 40, 21);
  return {
    dark: 0.3 + 0.22 * smoothstep(60, 330, far) + 0.16 * noise(x / 60, y / 24, 31),
    phase: rays,
    red: far < SUN.radius * 1.9 ? 1 : 0,
  };
}

export const woodcut: Plate = {
  id: 'woodcut',
  name: 'Woodcut',
  description:
    'Swelling hatch lines gouged from a block: black on warm paper with a second block in vermilion.',
  width: 512,
  height: 512,
  draw(canvas) {
    canvas.wash((x, y): Rgb => {
      // The knife wavers, and the gouge leaves every cut pointed where the tone runs out.
      const wx = x + 1.6 * noise(x / 9, y / 9, 41);
      const wy = y + 1.6 * noise(x / 9, y / 9, 42);
      const { dark, phase } = look(wx, wy);
      const saw = Math.abs(fraction(phase) - 0.5) * 2;
      const swell = dark + 0.1 * noise(wx / 12, wy / 12, 43) + 0.05 * noise(wx / 2.4, wy / 2.4, 44);
      const inked = dark >= 1 ? 1 : smoothstep(-0.06, 0.06, swell - saw);
      // The second block is pressed a little off the first.
      const second = look(wx - 2, wy - 1.5).red;
      const grain = 0.5 + 0.5 * fractal(x / 3, y / 48, 45, 3);
      const fibre = mix(paper, hex('#dcc9a0'), 0.5 * grain + 0.25 * fractal(x / 2, y / 2, 46, 2));
      const printed = mix(fibre, vermilion, second * (0.8 + 0.2 * smoothstep(0.75, 0.35, grain)));
      const worn = 1 - 0.85 * smoothstep(0.74, 0.86, grain + 0.2 * noise(x / 2, y / 2, 47));
      return mix(printed, ink, inked * worn);
    });
  },
};
