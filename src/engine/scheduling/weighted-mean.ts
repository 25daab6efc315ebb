/** A mean that follows what it is shown, and how far single observations lie from it. */
export interface Estimate {
  readonly mean: number;
  readonly deviation: number;
}

/** How much one observation counts; the influence of old ones halves every three. */
const weight = 0.2;

/**
 * Exponentially weighted mean and mean deviation, as TCP keeps them of round-trip times (RFC 6298,
 * section 2).
 */
export function learn({ mean, deviation }: Estimate, observation: number): Estimate {
  const error = observation - mean;
  return {
    mean: mean + weight * error,
    deviation: deviation + weight * (Math.abs(error) - deviation),
  };
}

/** What few observations exceed: two deviations above the mean. */
export function upperBound({ mean, deviation }: Estimate): number {
  return mean + 2 * deviation;
}
