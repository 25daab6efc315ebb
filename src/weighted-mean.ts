/** An exponentially weighted mean, and how far single observations lie from it. */
export interface WeightedMean {
  readonly mean: number;
  readonly deviation: number;
}

/** How much one observation counts; the influence of old ones halves every three. */
const weight = 0.2;

/**
 * The mean and the mean deviation after one more observation, as TCP keeps them of round-trip times
 * (RFC 6298, section 2).
 */
export function updated({ mean, deviation }: WeightedMean, observation: number): WeightedMean {
  const error = observation - mean;
  return {
    mean: mean + weight * error,
    deviation: deviation + weight * (Math.abs(error) - deviation),
  };
}

/** What few observations exceed: two deviations above the mean. */
export function upperBound({ mean, deviation }: WeightedMean): number {
  return mean + 2 * deviation;
}
