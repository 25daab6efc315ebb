import t from 'tap';

import { footprint } from '../../../src/engine/tiling/footprint.ts';
import { layoutOf } from '../../../src/engine/tiling/layout.ts';
import { loadModel } from '../../../src/engine/model/model.ts';
import { modelsDir } from '../helpers.ts';

const model = await loadModel(modelsDir);
const gibibyte = 2 ** 30;
const shape = (gibibytes: number, threads: number, options = {}) => {
  const memoryBytes = gibibytes * gibibyte;
  const { tilePixels, batch } = layoutOf(
    model,
    { provider: 'cpu', threads },
    { memoryBytes, ...options },
  );
  return [tilePixels / 2 ** 20, batch];
};

t.test('with little memory, tiles are smaller and pictures run one by one', (t) => {
  t.same(
    [8, 4, 3].map((memory) => shape(memory, 2)),
    [
      [1, 2],
      [1, 2],
      [1, 2],
    ],
  );
  t.same(shape(2, 2), [0.5, 2]);
  t.same(shape(1, 2), [0.25, 1]);
  t.same(
    [4, 2, 1, 0.5].map((memory) => shape(memory, 1)),
    [
      [1, 1],
      [1, 1],
      [0.25, 1],
      [0.25, 1],
    ],
  );
  t.end();
});

t.test('what is asked for stays', (t) => {
  t.same(shape(1, 2, { tilePixels: 2 ** 20 }), [1, 1]);
  t.same(shape(1, 2, { maxBatch: 2 }), [0.25, 2]);
  t.same(shape(1, 2, { tilePixels: 2 ** 20, maxBatch: 2 }), [1, 2]);
  t.end();
});

t.test('half of a tile’s pixels, half of what grows', (t) => {
  const [one, half, none] = [2 ** 20, 2 ** 19, 0].map((tilePixels) =>
    footprint({ tilePixels, batch: 2 }),
  ) as [number, number, number];
  t.equal(one - half, half - none);
  t.ok(footprint({ tilePixels: 0, batch: 1 }) < none);
  t.end();
});
