/** The formulas of the papers in float64, written as they stand there: no folding, no reuse. */

/** Features or pixels [N, C, P], P positions. */
export interface Features {
  readonly data: Float64Array;
  readonly n: number;
  readonly c: number;
  readonly p: number;
}

export const epsilon = 1e-5;

export function at({ data, c, p }: Features, n: number, channel: number): Float64Array {
  return data.subarray((n * c + channel) * p, (n * c + channel + 1) * p);
}

export function mean(x: Float64Array): number {
  return x.reduce((sum, value) => sum + value, 0) / x.length;
}

/** σ = sqrt(mean of (x − μ)² + ε). */
export function deviation(x: Float64Array): number {
  const centre = mean(x);
  return Math.sqrt(x.reduce((sum, value) => sum + (value - centre) ** 2, 0) / x.length + epsilon);
}

/** IN(x) = γ·(x − μ(x))/σ(x) + β, of one channel of one sample. */
export function instanceNorm(x: Float64Array, gamma: number, beta: number): Float64Array {
  const centre = mean(x);
  const spread = deviation(x);
  return x.map((value) => (gamma * (value - centre)) / spread + beta);
}

/** AdaIN(x, y) = σ(y)·(x − μ(x))/σ(x) + μ(y), of one channel, y by its statistics. */
export function adain(x: Float64Array, styleMean: number, styleDeviation: number): Float64Array {
  const centre = mean(x);
  const spread = deviation(x);
  return x.map((value) => (styleDeviation * (value - centre)) / spread + styleMean);
}

/** (1 − α)·x + α·AdaIN(x, y), what the decoder is given. */
export function transfer(
  x: Features,
  style: (n: number, channel: number) => readonly [mean: number, deviation: number],
  alpha: readonly number[],
): Float64Array {
  const result = new Float64Array(x.data.length);
  for (let n = 0; n < x.n; n++) {
    const a = alpha[n] ?? NaN;
    for (let channel = 0; channel < x.c; channel++) {
      const plane = at(x, n, channel);
      const styled = adain(plane, ...style(n, channel));
      result.set(
        plane.map((value, i) => (1 - a) * value + a * (styled[i] ?? NaN)),
        (n * x.c + channel) * x.p,
      );
    }
  }
  return result;
}
