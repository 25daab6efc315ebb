import { hex, mix, type Rgb } from '../kit/color.ts';
import { clamp, fraction, smoothstep } from '../kit/math.ts';
import { noise } from '../kit/noise.ts';
import type { Plate } from '../plate.ts';

const [white, yellow, red, blue] = ['#ffffff', '#ffe14a', '#e8112d', '#0b56c8'];

/**
 * Four prints of one flower. Of rays, petals, heart and leaves: the flat ink and its dots. Few inks:
 * with pink, orange and green as well, plain skies came out in patches of all of them.
 */
const prints: readonly (readonly (readonly [flat: string, dots: string])[])[] = [
  [
    [white, blue],
    [yellow, red],
    [white, red],
    [yellow, blue],
  ],
  [
    [yellow, red],
    [white, red],
    [yellow, red],
    [white, blue],
  ],
  [
    [white, red],
    [white, blue],
    [yellow, red],
    [white, blue],
  ],
  [
    [white, blue],
    [yellow, red],
    [yellow, red],
    [white, blue],
  ],
];
const key = hex('#14101a');

interface Area {
  /** Index into a print's inks. */
  readonly part: number;
  /** How much of the area the dots cover, 0 to 1. */
  readonly tone: number;
  readonly outline: boolean;
}

/** One panel, coordinates from its middle, about -128 to 128. */
function panel(x: number, y: number, turn: number): Area {
  const radius = Math.hypot(x, y + 14);
  const angle = Math.atan2(y + 14, x) + turn;
  const petal = Math.cos(2.5 * angle) ** 2;
  const rim = 42 + 56 * petal ** 0.6;
  if (radius < 23) return { part: 2, tone: 0.15 + radius / 60, outline: radius > 19.5 };
  if (radius < rim) {
    const vein = Math.abs(Math.sin(2.5 * angle)) < 0.07 && radius < rim * 0.8;
    return { part: 1, tone: 0.75 - 0.6 * (radius / rim), outline: rim - radius < 5 || vein };
  }
  const leaf = Math.hypot((x * 0.8 + (y - 70) * 0.6) / 64, ((y - 70) * 0.8 - x * 0.6) / 26);
  const other = Math.hypot(((y - 74) * 0.5 - x * 0.86) / 60, ((y - 74) * 0.86 + x * 0.5) / 24);
  const green = Math.min(leaf, other);
  if (green < 1) return { part: 3, tone: 0.2 + 0.4 * green, outline: green > 0.86 };
  const ray = fraction((angle / (2 * Math.PI)) * 12) < 0.5;
  return { part: 0, tone: ray ? 0.5 : 0.16, outline: false };
}

/**
 * From a dot to the next it is 8 pixels across and 4 down: so dots lie alike on the encoder's grid
 * of 8 pixels, and its mean over the plate still knows that they are dots.
 */
const PITCH = Math.hypot(8, 4);
const TURN = Math.atan2(4, 8);

/** One screen for all inks: covered or not, for a tone. */
function screen(x: number, y: number, tone: number): number {
  const u = (x * Math.cos(TURN) + y * Math.sin(TURN)) / PITCH;
  const v = (y * Math.cos(TURN) - x * Math.sin(TURN)) / PITCH;
  const far = Math.hypot(fraction(u) - 0.5, fraction(v) - 0.5);
  const radius = Math.sqrt(clamp(tone) / Math.PI);
  return smoothstep(radius + 0.06, radius - 0.06, far);
}

export const popDots: Plate = {
  id: 'pop-dots',
  name: 'Pop dots',
  description:
    'Screen-print pop art: fat halftone dots in red and blue on white and yellow, and bold black outlines.',
  width: 512,
  height: 512,
  draw(canvas) {
    const inks = prints.map((print) =>
      print.map(([flat, dots]) => [hex(flat), hex(dots)] as const),
    );
    canvas.wash((x, y): Rgb => {
      const [column, row] = [x < 256 ? 0 : 1, y < 256 ? 0 : 1];
      const [px, py] = [x - 128 - 256 * column, y - 128 - 256 * row];
      const turn = 0.3 * (column + 2 * row) + 0.31;
      const { part, tone } = panel(px, py, turn);
      const [flat, dots] = inks[2 * row + column]?.[part] ?? [key, key];
      const printed = mix(flat, dots, screen(x, y, tone));
      // The key plate: outlines and gutters, pressed a pixel off register.
      const outlined =
        panel(px - 1.2, py - 0.8, turn).outline || Math.max(Math.abs(px), Math.abs(py)) > 124;
      const starved = 0.05 * (noise(x / 3, y / 3, 5) + noise(x / 1.3, y / 1.3, 6));
      return mix(printed, key, outlined ? 0.97 - starved : Math.max(0, starved));
    });
  },
};
