import type { StyleStatistics } from '../engine/index.ts';

/** How a style counts among others. */
export interface Mixed {
  /** At least 0; of all styles together positive. */
  readonly weight: number;
  /** 0 to 1. */
  readonly alpha: number;
}

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

/**
 * Styles of different alphas as one: (1 − A)·x + Σ wₖ·aₖ·AdaIN(x, styleₖ) with A = Σ wₖ·aₖ is the
 * blend of weights wₖ·aₖ at alpha A.
 */
export function mixed(
  styles: readonly StyleStatistics[],
  counts: readonly Mixed[],
): { readonly statistics: StyleStatistics; readonly alpha: number } {
  const weights = counts.map(({ weight }) => weight);
  const [alpha = 1, ...others] = counts.flatMap(({ weight, alpha }) => (weight > 0 ? alpha : []));
  if (others.every((other) => other === alpha)) {
    return { statistics: blend(styles, weights), alpha };
  }
  const strengths = counts.map(({ weight, alpha }) => weight * alpha);
  const [all = 0, strong = 0] = [weights, strengths].map((some) =>
    some.reduce((sum, one) => sum + one, 0),
  );
  // Products may be too small for a number: shares of nothing would be none.
  if (strong === 0) return { statistics: blend(styles, weights), alpha: 0 };
  return { statistics: blend(styles, strengths), alpha: Math.min(strong / all, 1) };
}
