import t from 'tap';

import type { Size } from '../../src/rgb-image.ts';
import { fittingSide } from '../../src/stylization/fitting-side.ts';

const area = ({ width, height }: Size) => width * height;

t.test('the largest size that takes no longer, to the pixel', async (t) => {
  for (const [width, height] of [
    [400, 300],
    [300, 400],
    [500, 20],
  ] as const) {
    const allowed = 7500;
    const side = fittingSide({ width, height }, area, allowed) ?? 0;
    const scaled = (side: number) => {
      const [a, b] = [width, height].map((length) =>
        Math.round((length * side) / Math.max(width, height)),
      );
      return (a ?? 0) * (b ?? 0);
    };
    t.ok(scaled(side) <= allowed, `${side} fits`);
    t.ok(scaled(side + 1) > allowed, 'one more does not');
  }
});

t.test('none where nothing fits, or all of it', async (t) => {
  t.equal(fittingSide({ width: 400, height: 300 }, area, 255), undefined);
  t.equal(fittingSide({ width: 400, height: 300 }, area, 120_000), undefined);
  t.equal(fittingSide({ width: 16, height: 16 }, area, 100), undefined);
});

t.test('none whose shorter side would be too short', async (t) => {
  t.equal(fittingSide({ width: 20, height: 5000 }, area, 7500), undefined);
  t.equal(fittingSide({ width: 5000, height: 20 }, area, 16 * 3875), 3875);
  t.equal(fittingSide({ width: 5000, height: 20 }, area, 16 * 3875 - 1), undefined);
});
