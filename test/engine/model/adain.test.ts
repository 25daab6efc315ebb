import t from 'tap';
import {
  addAdain,
  addPacked,
  addStatistics,
  addUnpacked,
} from '../../../src/engine/model/graph/adain.ts';
import type { Features } from '../formulas.ts';
import { adain, at, deviation, epsilon, instanceNorm, mean, transfer } from '../formulas.ts';
import { float32, randomNumbers, relativeError, runNodes } from '../helpers.ts';

// x·scale + shift in float32 is good to about 1e-7·|μ|/σ; |μ|/σ stays under 200 here.
const tolerance = 2e-5;

/** Features whose channels differ in mean and spread by orders of magnitude, as real ones do. */
function randomFeatures(n: number, c: number, p: number, seed: number): Features {
  const random = randomNumbers(seed);
  const data = new Float64Array(n * c * p);
  for (let plane = 0; plane < n * c; plane++) {
    const centre = 10 * (random() - 0.5);
    const spread = 10 ** (2 * random() - 1);
    for (let i = 0; i < p; i++) {
      data[plane * p + i] = Math.fround(centre + spread * (random() - 0.5));
    }
  }
  return { data, n, c, p };
}

function randomStyles(n: number, c: number, seed: number): Float32Array {
  const random = randomNumbers(seed);
  return Float32Array.from({ length: n * 2 * c }, (_, i) =>
    i % (2 * c) < c ? 4 * random() - 2 : 0.1 + 3 * random(),
  );
}

/** Runs the graph's AdaIN on features of side √P. */
async function graphTransfer(x: Features, styles: Float32Array, alpha: readonly number[]) {
  const side = Math.sqrt(x.p);
  const output = await runNodes(
    {
      features: float32(x.data, [x.n, x.c, side, side]),
      statistics: float32(styles, [x.n, 2, x.c]),
      alpha: float32(alpha, [x.n]),
    },
    (graph, { features = '', statistics = '', alpha = '' }) => {
      const content = addStatistics(graph, 'content', features, epsilon);
      const style = addUnpacked(graph, 'style', statistics);
      return addAdain(graph, 'adain', features, content, style, alpha);
    },
    { type: 'float32', shape: [x.n, x.c, side, side] },
  );
  return output.data as Float32Array;
}

const styleOf = (styles: Float32Array, c: number) => (n: number, channel: number) =>
  [styles[n * 2 * c + channel] ?? NaN, styles[n * 2 * c + c + channel] ?? NaN] as const;

t.test('statistics are the mean and the standard deviation of each plane', async (t) => {
  const x = randomFeatures(3, 7, 36, 1);
  const output = await runNodes(
    { features: float32(x.data, [3, 7, 6, 6]) },
    (graph, { features = '' }) => {
      const { mean, deviation } = addStatistics(graph, 'statistics', features, epsilon);
      return addPacked(graph, 'packed', mean, deviation);
    },
    { type: 'float32', shape: [3, 2, 7] },
  );
  const planes = (n: number) => Array.from({ length: 7 }, (_, channel) => at(x, n, channel));
  const expected = [0, 1, 2].flatMap((n) => [
    ...planes(n).map(mean),
    ...planes(n).map((plane) => deviation(plane)),
  ]);
  t.same(output.dims, [3, 2, 7]);
  t.ok(relativeError(output.data as Float32Array, expected) < tolerance);
});

t.test('the folded affine map equals the formula, alphas mixed in a batch', async (t) => {
  const x = randomFeatures(4, 16, 64, 2);
  const styles = randomStyles(4, 16, 3);
  const alpha = [0, 0.5, 1, 0.25];
  const found = await graphTransfer(x, styles, alpha);
  const expected = transfer(x, styleOf(styles, 16), alpha);
  t.ok(relativeError(found, expected) < tolerance);
  t.same(found.subarray(0, 16 * 64), x.data.subarray(0, 16 * 64), 'alpha 0 changes no bit');
});

t.test('a flat channel takes the mean of the style, and a flat style paints flat', async (t) => {
  const x = randomFeatures(2, 2, 16, 4);
  at(x, 0, 0).fill(-3.25);
  const styles = randomStyles(2, 2, 5);
  styles[4 + 2] = Math.fround(Math.sqrt(epsilon)); // σ of a constant plane
  const found = await graphTransfer(x, styles, [1, 1]);
  t.ok(found.every(Number.isFinite));
  t.ok(relativeError(found, transfer(x, styleOf(styles, 2), [1, 1])) < tolerance);
  t.ok(
    relativeError(found.subarray(0, 16), new Float64Array(16).fill(styles[0] ?? NaN)) < tolerance,
  );
});

t.test('a variance far below the squared mean keeps its digits', async (t) => {
  // E[x²] − E[x]² in float32 would be off by 0.06 here, six times the variance.
  const x = randomFeatures(1, 1, 1024, 6);
  at(x, 0, 0).forEach((value, i, plane) => {
    plane[i] = Math.fround(1000 + 0.1 * Math.sin(value * i));
  });
  const output = await runNodes(
    { features: float32(x.data, [1, 1, 32, 32]) },
    (graph, { features = '' }) => addStatistics(graph, 'statistics', features, epsilon).deviation,
    { type: 'float32', shape: [1, 1, 1, 1] },
  );
  t.ok(relativeError(output.data as Float32Array, [deviation(at(x, 0, 0))]) < 1e-3);
});

t.test('instance normalisation is AdaIN towards the statistics (β, γ)', async (t) => {
  const x = randomFeatures(2, 3, 25, 7);
  const gamma = [0.5, 2, 1.25];
  const beta = [-1, 0, 3];
  const found = await graphTransfer(
    x,
    Float32Array.from([...beta, ...gamma, ...beta, ...gamma]),
    [1, 1],
  );
  const expected = [0, 1].flatMap((n) =>
    gamma.flatMap((g, channel) => [...instanceNorm(at(x, n, channel), g, beta[channel] ?? NaN)]),
  );
  t.ok(relativeError(found, expected) < tolerance);
});

t.test('batch normalisation is AdaIN of the batch laid out as one picture', async (t) => {
  // [N, C, P] → [1, C, N·P]: mean and deviation are then taken over N, H and W.
  const [n, c, p] = [4, 3, 9];
  const x = randomFeatures(n, c, p, 8);
  const wide: Features = { data: new Float64Array(n * c * p), n: 1, c, p: n * p };
  for (let i = 0; i < n; i++) {
    for (let channel = 0; channel < c; channel++) {
      at(wide, 0, channel).set(at(x, i, channel), i * p);
    }
  }
  const gamma = [0.5, 2, 1.25];
  const beta = [-1, 0, 3];
  const found = await graphTransfer(wide, Float32Array.from([...beta, ...gamma]), [1]);
  for (const [channel, g] of gamma.entries()) {
    const all = Float64Array.from({ length: n * p }, (_, i) => {
      const sample = at(x, Math.floor(i / p), channel);
      return sample[i % p] ?? NaN;
    });
    const [centre, spread] = [mean(all), deviation(all)];
    const expected = all.map((v) => (g * (v - centre)) / spread + (beta[channel] ?? NaN));
    t.ok(
      relativeError(found.subarray(channel * n * p, (channel + 1) * n * p), expected) < tolerance,
    );
  }
});

t.test('conditional instance normalisation is a table of statistics', async (t) => {
  const [styles, c, p] = [5, 4, 16];
  const table = randomStyles(styles, c, 9); // 2·F·S numbers: β and γ of each style
  t.equal(table.length, 2 * c * styles);
  const chosen = [3, 0, 3, 4];
  const x = randomFeatures(chosen.length, c, p, 10);
  const picked = chosen.flatMap((s) => [...table.subarray(s * 2 * c, (s + 1) * 2 * c)]);
  const found = await graphTransfer(x, Float32Array.from(picked), [1, 1, 1, 1]);
  const expected = chosen.flatMap((s, n) =>
    Array.from({ length: c }, (_, channel) => {
      const [beta, gamma] = styleOf(table, c)(s, channel);
      return [...instanceNorm(at(x, n, channel), gamma, beta)];
    }).flat(),
  );
  t.ok(relativeError(found, expected) < tolerance);
});

t.test('the transfer of blended statistics is the weighted sum of transfers', async (t) => {
  const [c, p] = [6, 49];
  const x = randomFeatures(1, c, p, 11);
  const weights = [0.5, 0.3, 0.2];
  const styles = weights.map((_, k) => randomStyles(1, c, 20 + k));
  const blended = Float32Array.from({ length: 2 * c }, (_, i) =>
    weights.reduce((sum, weight, k) => sum + weight * (styles[k]?.[i] ?? NaN), 0),
  );
  const found = await graphTransfer(x, blended, [1]);
  const expected = new Float64Array(c * p);
  for (const [k, weight] of weights.entries()) {
    for (let channel = 0; channel < c; channel++) {
      const style = styleOf(styles[k] ?? new Float32Array(), c)(0, channel);
      adain(at(x, 0, channel), ...style).forEach((value, i) => {
        expected[channel * p + i] = (expected[channel * p + i] ?? NaN) + weight * value;
      });
    }
  }
  t.ok(relativeError(found, expected) < tolerance);
});
