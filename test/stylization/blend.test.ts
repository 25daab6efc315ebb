import t from 'tap';

import { blend, mixed } from '../../src/stylization/blend.ts';

const a = Float32Array.of(1, 2, 3, 4);
const b = Float32Array.of(5, 6, 7, 8);

t.test('equal weights: the mean', async (t) => {
  t.same([...blend([a, b])], [3, 4, 5, 6]);
});

t.test('weights are normalised to sum 1', async (t) => {
  t.same([...blend([a, b], [3, 1])], [2, 3, 4, 5]);
  t.same([...blend([a, b], [300, 100])], [2, 3, 4, 5]);
});

t.test('one style is itself, whatever its weight', async (t) => {
  t.same([...blend([a], [0.2])], [...a]);
});

t.test('a style of weight 0 has no say', async (t) => {
  t.same([...blend([a, b], [0, 2])], [...b]);
});

t.test('alphas and weights too small to be multiplied leave the content as it is', async (t) => {
  const tiny = { weight: 1e-300, alpha: 1e-300 };
  const { statistics, alpha } = mixed([a, b], [tiny, { weight: 1, alpha: 0 }]);
  t.equal(alpha, 0);
  t.same([...statistics], [...b]);
});
