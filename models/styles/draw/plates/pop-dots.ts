import { hex, mix, multiply, type Rgb, WHITE } from '../kit/color.ts';
import { fraction, smoothstep } from '../kit/math.ts';
import { noise } from '../kit/noise.ts';
import type { Plate } from '../plate.ts';

/** Four prints of one flower: ground, petals, heart, leaves, and the rays behind. */
const prints: readonly (readonly string[])[] = [
  ['#ffd400', '#f0146e', '#fff3a0', '#00a35c', '#ff9a00'],
  ['#00a7e1', '#ffde00', '#e8112d', '#0b3fb5', '#7fe3f5'],
  ['#e8112d', '#ffffff', '#ffd400', '#15a0d8', '#ff7fb0'],
  ['#7a2bd0', '#ff7a00', '#19e0c8', '#b6e30a', '#d8a8ff'],
];

interface Area {
  /** Index into a print's colours. */
  readonly ink: number;
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
  if (radius < 23) return { ink: 2, tone: 0.25 + radius / 45, outline: radius > 20 };
  if (radius < rim) {
    const vein = Math.abs(Math.sin(2.5 * angle)) < 0.07 && radius < rim * 0.8;
    return { ink: 1, tone: 1.15 - radius / rim, outline: rim - radius < 4.5 || vein };
  }
  const leaf = Math.hypot((x * 0.8 + (y - 70) * 0.6) / 64, ((y - 70) * 0.8 - x * 0.6) / 26);
  const other = Math.hypot(((y - 74) * 0.5 - x * 0.86) / 60, ((y - 74) * 0.86 + x * 0.5) / 24);
  const green = Math.min(leaf, other);
  if (green < 1) return { ink: 3, tone: 0.35 + 0.5 * green, outline: green > 0.88 };
  const ray = fraction((angle / (2 * Math.PI)) * 16) < 0.5;
  return { ink: ray ? 4 : 0, tone: ray ? 0.2 + radius / 260 : 0.72 - radius / 360, outline: false };
}

/** A dot screen: covered or not, for a tone, at the screen's own angle. */
function screen(x: number, y: number, pitch: number, degrees: number, tone: number): number {
  const angle = (degrees * Math.PI) / 180;
  const u = (x * Math.cos(angle) + y * Math.sin(angle)) / pitch;
  const v = (y * Math.cos(angle) - x * Math.sin(angle)) / pitch;
  const far = Math.hypot(fraction(u) - 0.5, fraction(v) - 0.5);
  const radius = Math.sqrt(Math.max(tone, 0) / Math.PI);
  return smoothstep(radius + 0.06, radius - 0.06, far);
}

export const popDots: Plate = {
  id: 'pop-dots',
  name: 'Pop dots',
  description:
    'Screen-print pop art: loud flat inks, fat halftone dots in crossing screens and bold black outlines.',
  width: 512,
  height: 512,
  draw(canvas) {
    const inks = prints.map((print) => print.map(hex));
    canvas.wash((x, y): Rgb => {
      const [column, row] = [x < 256 ? 0 : 1, y < 256 ? 0 : 1];
      const colors = inks[2 * row + column] ?? [];
      const [px, py] = [x - 128 - 256 * column, y - 128 - 256 * row];
      const turn = 0.3 * (column + 2 * row) + 0.31;
      const drawn = panel(px, py, turn);
      const flat = colors[drawn.ink] ?? WHITE;
      const dotInk = multiply(colors[(drawn.ink + 1) % 5] ?? WHITE, mix(flat, WHITE, 0.15));
      const shade = panel(px + 6, py + 5, turn);
      const dots = screen(x, y, 9, 15, 0.75 * drawn.tone);
      const white = screen(x, y, 9, 60, 0.5 * (1 - drawn.tone));
      let printed = mix(mix(flat, WHITE, 0.85 * white), dotInk, dots);
      if (shade.ink !== drawn.ink && drawn.ink !== 1)
        printed = mix(printed, hex('#12101a'), screen(x, y, 6, 45, 0.55));
      // The key plate: outlines and gutters, pressed a pixel off register.
      const key =
        panel(px - 1.2, py - 0.8, turn).outline || Math.max(Math.abs(px), Math.abs(py)) > 124;
      const starved = 0.06 * (noise(x / 3, y / 3, 5) + noise(x / 1.3, y / 1.3, 6));
      return mix(printed, hex('#14101a'), key ? 0.97 - starved : Math.max(0, starved));
    });
  },
};
