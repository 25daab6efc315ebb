import { type Brush, follow, scatter, stroke } from './brush.ts';
import type { Canvas } from './canvas.ts';
import { type Rgb, vary } from './color.ts';
import type { Random } from './random.ts';

/** What a painter sees before painting: a colour at every place and a direction to stroke along. */
export interface Motif {
  readonly color: (x: number, y: number) => Rgb;
  readonly direction: (x: number, y: number) => number;
}

export interface Layer extends Brush {
  readonly length: number;
  readonly spacing: number;
  /** How far each stroke strays from the motif in lightness and (radians) in hue. */
  readonly stray: readonly [lightness: number, hue: number];
}

/** Covers the canvas with strokes that follow a motif, layer over layer, coarse to fine. */
export function paint(
  canvas: Canvas,
  motif: Motif,
  layers: readonly Layer[],
  random: Random,
): void {
  for (const layer of layers) {
    const [lightness, hue] = layer.stray;
    for (const start of scatter(canvas, layer.spacing, random)) {
      const seen = motif.color(...start);
      const color = vary(seen, lightness * random.bell(), 1.05, hue * random.bell());
      const path = follow(start, layer.length * random.between(0.6, 1.3), motif.direction);
      const width = layer.width * random.between(0.75, 1.25);
      stroke(canvas, path, color, { ...layer, width }, random);
    }
  }
}
