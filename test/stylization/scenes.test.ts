import t from 'tap';

import { blend } from '../../src/stylization/blend.ts';
import { distance, histogramOf, mergedStatistics, scenesOf } from '../../src/stylization/scenes.ts';
import { testPicture } from '../engine/helpers.ts';

const lit = (seed: number, by: number) => {
  const image = testPicture(64, 48, seed);
  return { ...image, data: image.data.map((value) => value * by) };
};

t.test('frames that look alike are a scene, and so is one that comes back', async (t) => {
  const [light, dark, middle] = [lit(1, 1), lit(2, 0.3), lit(3, 0.6)];
  t.same(
    await scenesOf([light, lit(4, 0.97), dark, lit(5, 0.31), light, middle]),
    [0, 0, 1, 1, 0, 2],
  );
  t.same(await scenesOf([light]), [0]);
});

t.test('light that drifts is no cut', async (t) => {
  const drifting = Array.from({ length: 30 }, (_, i) => lit(1, 1 - i / 40));
  t.same([...new Set(await scenesOf(drifting))], [0]);
});

t.test('histograms: shares of levels, and 1 apart at most', (t) => {
  const grey = (level: number) => ({
    width: 16,
    height: 16,
    data: new Uint8Array(768).fill(level),
  });
  const [black, white] = [histogramOf(grey(0)), histogramOf(grey(255))];
  t.ok(Math.abs(black.reduce((sum, share) => sum + share, 0) - 3) < 1e-6);
  t.ok(Math.abs(distance(black, white) - 1) < 1e-6);
  t.equal(distance(black, black), 0);
  t.ok(distance(black, histogramOf(grey(2))) < 0.15, 'no edge between two levels counts');
  t.end();
});

t.test('statistics taken together: variance within pictures, and between them', (t) => {
  const [a, b] = [Float32Array.of(1, 0, 3, 1), Float32Array.of(5, 0, 1, 1)];
  const [mean, , deviation, other] = mergedStatistics([a, b]);
  t.equal(mean, 3);
  t.ok(Math.abs((deviation ?? 0) - Math.sqrt((9 + 1) / 2 + 4)) < 1e-6);
  t.equal(other, 1);
  t.same(mergedStatistics([a, a]), blend([a]), 'of the same picture twice its own');
  t.end();
});
