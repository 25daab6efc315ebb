import type { StyleStatistics } from '../engine/index.ts';

/**
 * Σ wₖ·statisticsₖ with the weights normalised to sum 1. Since AdaIN is linear in (μ, σ) this is
 * exactly the Σ wₖ·AdaIN(f(c), f(sₖ)) of the paper's style interpolation (section 7.2, equation
 * 15), at the cost of a few hundred additions.
 * @param weights one a style, each at least 0, their sum positive; undefined means equal.
 */
export function blend(
  styles: readonly StyleStatistics[],
  weights: readonly number[] = styles.map(() => 1),
): StyleStatistics {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const blended = new Float32Array(styles[0]?.length ?? 0);
  styles.forEach((statistics, k) => {
    const share = (weights[k] ?? 0) / total;
    statistics.forEach((value, i) => {
      blended[i] = (blended[i] ?? 0) + share * value;
    });
  });
  return blended;
}
