import type { Canvas } from './canvas.ts';
import { brighten, mix, WHITE } from './color.ts';
import { clamp } from './math.ts';

/** Lamplight from the upper left over the paint's relief: soft shading and a wet glint. */
export function light(canvas: Canvas, strength: number, gloss: number): void {
  const { columns, rows, relief, scale } = canvas;
  const rise = (column: number, row: number): number =>
    relief[clamp(row, 0, rows - 1) * columns + clamp(column, 0, columns - 1)] ?? 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const right = ((rise(column + 1, row) - rise(column - 1, row)) * scale) / 2;
      const down = ((rise(column, row + 1) - rise(column, row - 1)) * scale) / 2;
      const facing = (right * 0.6 + down * 0.8) / Math.hypot(1, right, down);
      const cell = row * columns + column;
      const shaded = brighten(canvas.at(cell), 1 + strength * clamp(facing, -0.8, 0.8));
      canvas.set(cell, mix(shaded, WHITE, gloss * clamp(facing * 1.6 - 0.25) ** 2));
    }
  }
}
