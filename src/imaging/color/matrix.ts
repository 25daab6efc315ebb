/** Three rows of three numbers. */
export type Matrix = readonly [Vector, Vector, Vector];
export type Vector = readonly [number, number, number];

export function apply([x, y, z]: Matrix, vector: Vector): Vector {
  const row = ([a, b, c]: Vector) => a * vector[0] + b * vector[1] + c * vector[2];
  return [row(x), row(y), row(z)];
}

/** First `right`, then `left`. */
export function product(left: Matrix, right: Matrix): Matrix {
  return transposed(mapped(transposed(right), (column) => apply(left, column)));
}

export const identity: Matrix = diagonal([1, 1, 1]);

export function diagonal([x, y, z]: Vector): Matrix {
  return [
    [x, 0, 0],
    [0, y, 0],
    [0, 0, z],
  ];
}

export function transposed([[a, b, c], [d, e, f], [g, h, i]]: Matrix): Matrix {
  return [
    [a, d, g],
    [b, e, h],
    [c, f, i],
  ];
}

/** Of a singular matrix its numbers are not finite. */
export function inverse([a, b, c]: Matrix): Matrix {
  const volume = dot(a, cross(b, c));
  const columns: Matrix = [cross(b, c), cross(c, a), cross(a, b)];
  return mapped(transposed(columns), (row) => scaled(row, 1 / volume));
}

function mapped([a, b, c]: Matrix, each: (row: Vector) => Vector): Matrix {
  return [each(a), each(b), each(c)];
}

function scaled([x, y, z]: Vector, by: number): Vector {
  return [x * by, y * by, z * by];
}

function dot(left: Vector, right: Vector): number {
  return left[0] * right[0] + left[1] * right[1] + left[2] * right[2];
}

function cross([a, b, c]: Vector, [x, y, z]: Vector): Vector {
  return [b * z - c * y, c * x - a * z, a * y - b * x];
}
