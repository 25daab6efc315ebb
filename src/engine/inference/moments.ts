import type { StyleStatistics } from '../types.ts';

/** Sums over positions, per channel, in float64. */
export interface Moments {
  readonly count: number;
  readonly mean: Float64Array;
  /** Σ (x − mean)². */
  readonly squares: Float64Array;
}

/** @param packed float32 [2, C]: mean and population variance over `count` positions */
export function momentsOf(packed: Float32Array, count: number): Moments {
  const channels = packed.length / 2;
  return {
    count,
    mean: Float64Array.from(packed.subarray(0, channels)),
    squares: Float64Array.from(packed.subarray(channels), (variance) => variance * count),
  };
}

/**
 * Moments of two disjoint sets taken together, without the cancellation of sums of squares
 * (Chan, Golub & LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample
 * Variances, 1979).
 */
export function mergeMoments(a: Moments, b: Moments): Moments {
  const count = a.count + b.count;
  const gap = a.mean.map((mean, channel) => (b.mean[channel] ?? NaN) - mean);
  return {
    count,
    mean: a.mean.map((mean, channel) => mean + ((gap[channel] ?? NaN) * b.count) / count),
    squares: a.squares.map(
      (squares, channel) =>
        squares +
        (b.squares[channel] ?? NaN) +
        ((gap[channel] ?? NaN) ** 2 * a.count * b.count) / count,
    ),
  };
}

/** @returns float32 [2, C]: μ and σ = sqrt(population variance + ε) */
export function statisticsOf(moments: Moments, epsilon: number): StyleStatistics {
  const { count, mean, squares } = moments;
  return Float32Array.from([...mean, ...squares.map((sum) => Math.sqrt(sum / count + epsilon))]);
}
