import type { Point } from './math.ts';

export interface Neighbours {
  /** Index of the nearest seed and of the next. */
  readonly nearest: number;
  readonly second: number;
}

/** Finds the nearest two seeds of a point; buckets `reach` wide keep the search local. */
export function neighbourhood(
  seeds: readonly Point[],
  reach: number,
): (x: number, y: number) => Neighbours {
  const buckets = new Map<number, number[]>();
  const key = (column: number, row: number): number => column * 65536 + row;
  seeds.forEach(([x, y], seed) => {
    const place = key(Math.floor(x / reach), Math.floor(y / reach));
    const bucket = buckets.get(place);
    if (bucket) bucket.push(seed);
    else buckets.set(place, [seed]);
  });
  return (x, y) => {
    const column = Math.floor(x / reach);
    const row = Math.floor(y / reach);
    let [nearest, second, near, far] = [-1, -1, Infinity, Infinity];
    for (let c = column - 1; c <= column + 1; c++) {
      for (let r = row - 1; r <= row + 1; r++) {
        for (const seed of buckets.get(key(c, r)) ?? []) {
          const at = seeds[seed] ?? [0, 0];
          const distance = Math.hypot(x - at[0], y - at[1]);
          if (distance < near) {
            [second, far, nearest, near] = [nearest, near, seed, distance];
          } else if (distance < far) {
            [second, far] = [seed, distance];
          }
        }
      }
    }
    return { nearest, second };
  };
}

/** Distance from a point to the border between its two nearest seeds (Euclidean cells). */
export function borderDistance(
  x: number,
  y: number,
  seeds: readonly Point[],
  { nearest, second }: Neighbours,
): number {
  const a = seeds[nearest];
  const b = seeds[second];
  if (!a || !b) return Infinity;
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const apart = Math.hypot(dx, dy);
  return ((a[0] + b[0]) / 2 - x) * (dx / apart) + ((a[1] + b[1]) / 2 - y) * (dy / apart);
}
