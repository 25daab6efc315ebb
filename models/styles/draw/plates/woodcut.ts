import { hex, mix, type Rgb } from '../kit/color.ts';
import { clamp, fraction, smoothstep } from '../kit/math.ts';
import { fractal, noise } from '../kit/noise.ts';
import type { Plate } from '../plate.ts';

const paper = hex('#fbf4e4');
const tint = hex('#e6cf9f');
const ink = hex('#14100e');
/** Of the second block. Vermilion in its place stained skies and walls: little of it weighs much. */
const ochre = hex('#d39a52');

/** What the cutter sees at a place: how dark it is, and which way to cut there. */
interface Cut {
  /** Below 0 the block is cleared and above 1 left whole; only between them is it hatched. */
  readonly dark: number;
  readonly angle: number;
}

/** How far cuts lie apart. */
const PITCH = 11;

const ridges = [
  { base: 268, height: 150, width: 120, seed: 3, slant: 0.75 },
  { base: 352, height: 84, width: 96, seed: 5, slant: 0.55 },
  { base: 424, height: 60, width: 110, seed: 8, slant: -0.2 },
  { base: 498, height: 44, width: 90, seed: 13, slant: 0.12 },
];

const beyondSun = (x: number, y: number): number => Math.hypot(x - 340, y - 104) - 58;

/** Light and shade with little between them, as a knife knows them. */
const harden = (tone: number): number => 0.3 + 2.3 * tone;

function look(x: number, y: number): Cut {
  for (let i = ridges.length - 1; i >= 0; i--) {
    const ridge = ridges[i];
    if (!ridge) continue;
    const crest =
      ridge.base - ridge.height * (0.5 + 0.9 * fractal(x / ridge.width, 0.5, ridge.seed, 3));
    const depth = y - crest;
    if (depth < 0) continue;
    if (depth < 3.5) return { dark: 2, angle: 0 };
    // A side of the mountain is turned to the sun or away from it.
    const facet = fractal(x / ridge.width + depth / 130, depth / 110, ridge.seed + 50, 3);
    const angle = facet > 0 ? ridge.slant : -ridge.slant * 0.7;
    return { dark: harden(facet + 0.05), angle };
  }
  const far = beyondSun(x, y);
  if (far < 0) return { dark: far > -3 ? 2 : -1, angle: 0 };
  const cloud = fractal(x / 190, y / 62, 31, 3) - 0.35 * smoothstep(90, 0, far);
  return { dark: harden(cloud + 0.02), angle: 0.06 };
}

export const woodcut: Plate = {
  id: 'woodcut',
  name: 'Woodcut',
  description:
    'Bold blacks and straight tapering cuts from a block, on warm paper with a second block in ochre.',
  width: 512,
  height: 512,
  draw(canvas) {
    canvas.wash((x, y): Rgb => {
      // The knife wavers, and the gouge leaves every cut pointed where the tone runs out.
      const wx = x + 1.2 * noise(x / 11, y / 11, 41);
      const wy = y + 1.2 * noise(x / 11, y / 11, 42);
      const { dark, angle } = look(wx, wy);
      const across = wx * Math.sin(angle) + wy * Math.cos(angle);
      const saw = Math.abs(fraction(across / PITCH) - 0.5) * 2;
      const swell = dark + 0.1 * noise(wx / 12, wy / 12, 43);
      const inked = smoothstep(-0.07, 0.07, swell - clamp(saw, 0.08, 0.92));
      // The second block is pressed a little off the first.
      const second = beyondSun(wx - 2, wy - 1.5) < 0 ? 1 : 0;
      const grain = 0.5 + 0.5 * fractal(x / 3, y / 48, 45, 3);
      // A tint is wiped over the paper, deep at the foot of the sky and of the page.
      const wiped = 0.5 + 0.5 * Math.sin(y / 42 - 2.6 + noise(x / 160, y / 60, 49));
      const fibre = mix(
        paper,
        tint,
        0.75 * wiped + 0.3 * grain + 0.15 * fractal(x / 2, y / 2, 46, 2),
      );
      const printed = mix(fibre, ochre, second * (0.85 + 0.15 * smoothstep(0.75, 0.35, grain)));
      const worn = 1 - 0.7 * smoothstep(0.8, 0.92, grain + 0.2 * noise(x / 2, y / 2, 47));
      const black = mix(ink, hex('#3a302a'), 0.7 * grain + 0.2 * noise(x / 1.6, y / 5, 48));
      return mix(printed, black, inked * worn);
    });
  },
};
