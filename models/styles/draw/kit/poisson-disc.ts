import type { Canvas } from './canvas.ts';
import type { Point } from './math.ts';
import type { Random } from './random.ts';

/** Darts thrown for each square of `apart`: few gaps remain that could take another point. */
const DARTS = 14;

/** Points nowhere nearer to each other than `apart`, in random order: even, but never in rows. */
export function poissonDisc(canvas: Canvas, apart: number, random: Random): Point[] {
  const { width, height } = canvas;
  const columns = Math.ceil(width / apart) + 4;
  const squares: Point[][] = Array.from(
    { length: columns * (Math.ceil(height / apart) + 4) },
    () => [],
  );
  const points: Point[] = [];
  for (let dart = 0; dart < squares.length * DARTS; dart++) {
    const x = random.between(-apart, width + apart);
    const y = random.between(-apart, height + apart);
    const square = (Math.floor(y / apart) + 2) * columns + Math.floor(x / apart) + 2;
    const around = [-1, 0, 1].flatMap((row) =>
      [-1, 0, 1].flatMap((column) => squares[square + row * columns + column] ?? []),
    );
    if (around.some((point) => Math.hypot(point[0] - x, point[1] - y) < apart)) continue;
    points.push([x, y]);
    squares[square]?.push([x, y]);
  }
  return points;
}
