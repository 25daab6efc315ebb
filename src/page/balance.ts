/** Of a box 1 wide and 1 high: where the first style is alone, the second, and the third. */
const corners = [
  [0.5, 0],
  [0, 1],
  [1, 1],
] as const;
const total = 10;

/** Where three weights are in balance; the middle if all are 0. */
export function balanceOf(weights: readonly number[]): readonly [x: number, y: number] {
  const some = weights.some((weight) => weight > 0) ? weights : [1, 1, 1];
  const sum = some.reduce((a, b) => a + b);
  const mean = (axis: 0 | 1) =>
    corners.reduce((so, corner, at) => so + (corner[axis] * (some[at] ?? 0)) / sum, 0);
  return [mean(0), mean(1)];
}

/** Weights of 0 to 10 that are in balance there; beside the triangle, of a place on its edge. */
export function weightsAt(x: number, y: number): number[] {
  const first = 1 - y;
  const third = x - first / 2;
  const inside = [first, 1 - first - third, third].map((weight) => Math.max(0, weight));
  const sum = inside.reduce((a, b) => a + b);
  return inside.map((weight) => Math.round((total * total * weight) / sum) / total);
}
