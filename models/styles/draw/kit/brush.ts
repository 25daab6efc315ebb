import type { Canvas } from './canvas.ts';
import { type Rgb, vary } from './color.ts';
import { clamp, type Point, smoothstep } from './math.ts';
import { hash, noise } from './noise.ts';
import type { Random } from './random.ts';

export interface Brush {
  /** Width of the stroke in plate pixels. */
  readonly width: number;
  readonly opacity: number;
  /** How far the bristles part: 0 lays paint flat, 1 leaves streaks of what lies under. */
  readonly dryness: number;
  /** How far the bristles' colours differ in lightness. */
  readonly streak: number;
  /** Thickness of the paint, for the light. */
  readonly body: number;
  /** Pressure along the stroke, from its start (0) to its end (1): a share of the full width. */
  readonly pressure?: (t: number) => number;
}

/** Walks a direction field from a start: half the length against it, half along it. */
export function follow(
  start: Point,
  length: number,
  direction: (x: number, y: number) => number,
  step = 1.5,
): Point[] {
  const walk = (sign: number): Point[] => {
    const path: Point[] = [];
    let [x, y] = start;
    for (let gone = 0; gone < length / 2; gone += step) {
      const angle = direction(x, y);
      x += sign * step * Math.cos(angle);
      y += sign * step * Math.sin(angle);
      path.push([x, y]);
    }
    return path;
  };
  return [...walk(-1).reverse(), start, ...walk(1)];
}

/** One stroke: a comb of bristles drawn along a path, each with its own shade, run and ridge. */
export function stroke(
  canvas: Canvas,
  path: readonly Point[],
  color: Rgb,
  brush: Brush,
  random: Random,
): void {
  const seed = Math.floor(random.next() * 1e9);
  const pitch = 0.6 / canvas.scale;
  const half = brush.width / 2;
  const bristles = Math.max(1, Math.ceil(half / pitch));
  const shades = Array.from({ length: 7 }, (_, i) => vary(color, brush.streak * (i / 3 - 1)));
  const length = lengthOf(path);
  const touched = new Set<number>();
  walkEvenly(path, pitch, (x, y, angle, gone) => {
    const end = Math.min(gone, length - gone);
    const pressure = brush.pressure?.(gone / length) ?? 1;
    const taper = Math.min(Math.sqrt(clamp(end / half)), pressure);
    const [acrossX, acrossY] = [-Math.sin(angle), Math.cos(angle)];
    for (let bristle = -bristles; bristle <= bristles; bristle++) {
      const offset = bristle / bristles;
      if (Math.abs(offset) > taper) continue;
      const cell = canvas.cellAt(x + acrossX * offset * half, y + acrossY * offset * half);
      if (cell < 0 || touched.has(cell)) continue;
      touched.add(cell);
      const lane = offset * half * 1.3;
      const grain = noise(lane, gone * 0.04, seed);
      const dry = smoothstep(brush.dryness * 1.6 - 1.2, brush.dryness * 1.6 - 0.8, grain + 0.2);
      const edge = smoothstep(1, 0.8, Math.abs(offset) / Math.max(taper, 0.01));
      const opacity = brush.opacity * dry * edge;
      const shade = shades[clamp(Math.round(3 + 3 * grain + 2 * hash(bristle, 0, seed) - 1), 0, 6)];
      canvas.blend(cell, shade ?? color, opacity);
      const ridge = brush.body * (0.45 + 0.35 * grain + 0.3 * offset * offset);
      canvas.relief[cell] = (canvas.relief[cell] ?? 0) * (1 - opacity) + ridge * opacity;
    }
  });
}

/** A bend from one point to another, drawn towards a third (a quadratic Bézier curve). */
export function bend(from: Point, towards: Point, to: Point): Point[] {
  const STEPS = 14;
  return Array.from({ length: STEPS + 1 }, (_, step): Point => {
    const t = step / STEPS;
    const along = (axis: 0 | 1): number =>
      (1 - t) ** 2 * from[axis] + 2 * t * (1 - t) * towards[axis] + t * t * to[axis];
    return [along(0), along(1)];
  });
}

function lengthOf(path: readonly Point[]): number {
  return path.reduce((sum, [x, y], i) => {
    const [px, py] = path[i - 1] ?? [x, y];
    return sum + Math.hypot(x - px, y - py);
  }, 0);
}

/** Visits a polyline at even steps, with the direction there and the way gone. */
function walkEvenly(
  path: readonly Point[],
  step: number,
  visit: (x: number, y: number, angle: number, gone: number) => void,
): void {
  let gone = 0;
  let next = 0;
  path.forEach(([x, y], i) => {
    const from = path[i - 1];
    if (from === undefined) return;
    const run = Math.hypot(x - from[0], y - from[1]);
    const angle = Math.atan2(y - from[1], x - from[0]);
    for (; next <= gone + run; next += step) {
      const t = run === 0 ? 0 : (next - gone) / run;
      visit(from[0] + (x - from[0]) * t, from[1] + (y - from[1]) * t, angle, next);
    }
    gone += run;
  });
}

/** Scattered start points, one a square of `spacing`, in random order: no rows, no holes. */
export function scatter(canvas: Canvas, spacing: number, random: Random): Point[] {
  const points: Point[] = [];
  for (let y = -spacing / 2; y < canvas.height + spacing; y += spacing) {
    for (let x = -spacing / 2; x < canvas.width + spacing; x += spacing) {
      points.push([
        x + random.between(-0.6, 0.6) * spacing,
        y + random.between(-0.6, 0.6) * spacing,
      ]);
    }
  }
  return random.shuffled(points);
}
