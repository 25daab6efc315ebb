/** The numbers behind every bench: who runs when, and what is made of the times. */

/**
 * Runs every work once in its turn, A B A B …, so that what else the machine does falls on all of
 * them alike. One turn before the first counts for nothing: it pays for memory and threads.
 */
export async function interleave<K extends string, T>(
  rounds: number,
  works: Readonly<Record<K, () => Promise<T>>>,
): Promise<Record<K, T[]>> {
  const entries = Object.entries(works) as [K, () => Promise<T>][];
  const results = Object.fromEntries(entries.map(([name]) => [name, [] as T[]])) as Record<K, T[]>;
  for (let round = 0; round <= rounds; round++) {
    for (const [name, work] of entries) {
      const result = await work();
      if (round > 0) results[name].push(result);
    }
  }
  return results;
}

/** The milliseconds that a work takes, as a work. */
export const timed = (work: () => Promise<unknown>) => async (): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

/** Linear between neighbours; `share` 0.5 is the median, 1 the maximum. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const [low = NaN, high = low] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return low + (high - low) * (place % 1);
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The median of a/b, each pair from one round: what slowed both of them cancels out. */
export function ratio(a: readonly number[], b: readonly number[]): number {
  return median(a.map((value, round) => value / (b[round] ?? NaN)));
}

/** Least squares: by how much y grows where x grows by one. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  let [covariance, variance] = [0, 0];
  for (const [x, y] of points) {
    covariance += (x - meanX) * (y - meanY);
    variance += (x - meanX) ** 2;
  }
  return covariance / variance;
}

/** How far values of 0 to 255 lie apart: the PSNR in decibels, and shares of them in percent. */
export function difference(found: Uint8Array, wanted: Uint8Array) {
  const gaps = wanted.map((value, i) => Math.abs(value - (found[i] ?? NaN)));
  const within = (most: number) =>
    (100 * gaps.reduce((count, gap) => count + Number(gap <= most), 0)) / gaps.length;
  const squares = gaps.reduce((sum, gap) => sum + gap ** 2, 0) / gaps.length;
  return {
    largest: gaps.reduce((a, b) => Math.max(a, b), 0),
    'PSNR, dB': 10 * Math.log10(255 ** 2 / squares),
    'equal, %': within(0),
    'within 1, %': within(1),
    'within 8, %': within(8),
  };
}

/** Runs a work twice, then so often and for 150 ms. @returns the median of its milliseconds */
export async function settled(rounds: number, work: () => Promise<unknown>): Promise<number> {
  await work();
  await work();
  const times: number[] = [];
  const end = performance.now() + 150;
  while (times.length < rounds || performance.now() < end) times.push(await timed(work)());
  return median(times);
}
