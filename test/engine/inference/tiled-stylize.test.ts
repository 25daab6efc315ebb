import t from 'tap';
import { loadModel } from '../../../src/engine/model/model.ts';
import { mergeMoments, momentsOf, statisticsOf } from '../../../src/engine/inference/moments.ts';
import type { TiledStylization } from '../../../src/engine/inference/tiled-stylize.ts';
import { planTiled, stylizeSteps } from '../../../src/engine/tiling/plan.ts';
import { planTiles, tileSize } from '../../../src/engine/tiling/tiles.ts';
import { deviation, mean } from '../formulas.ts';
import {
  anyShape,
  createPlanningExecutor,
  closeness,
  cpu,
  modelsDir,
  randomNumbers,
  relativeError,
  testPicture,
} from '../helpers.ts';

const model = await loadModel(modelsDir);
const { margin, stride, encoderMargin, decoderHalo, epsilon } = model;
const halo = encoderMargin + decoderHalo;

t.test('tiles of one shape cover the canvas once, exact inside, whole at its edges', (t) => {
  const random = randomNumbers(1);
  for (let i = 0; i < 60; i++) {
    const width = stride * (4 + Math.floor(random() * 150));
    const height = stride * (4 + Math.floor(random() * (random() < 0.2 ? 10 : 150)));
    const tilePixels = (2 * halo + stride * (1 + Math.floor(random() * 40))) ** 2;
    const canvas = { width, height };
    const tiles = planTiles(canvas, tileSize(canvas, halo, stride, tilePixels), halo);
    const wrong: unknown[] = [];
    let covered = 0;
    for (const tile of tiles) {
      const { outer, inner } = tile;
      covered += (inner.x1 - inner.x0) * (inner.y1 - inner.y0);
      const first = tiles[0]?.outer ?? outer;
      const sound =
        Object.values(outer).every((edge) => edge % stride === 0 && edge >= 0) &&
        Object.values(inner).every((edge) => edge % stride === 0) &&
        outer.x1 <= width &&
        outer.y1 <= height &&
        (outer.x1 - outer.x0) * (outer.y1 - outer.y0) <= tilePixels &&
        outer.x1 - outer.x0 === first.x1 - first.x0 &&
        outer.y1 - outer.y0 === first.y1 - first.y0 &&
        (outer.x0 === 0 ? inner.x0 >= 0 : inner.x0 - outer.x0 >= halo) &&
        (outer.y0 === 0 ? inner.y0 >= 0 : inner.y0 - outer.y0 >= halo) &&
        (outer.x1 === width ? inner.x1 <= width : outer.x1 - inner.x1 >= halo) &&
        (outer.y1 === height ? inner.y1 <= height : outer.y1 - inner.y1 >= halo);
      if (!sound) wrong.push(tile);
    }
    const apart = tiles.every(({ inner: a }, i) =>
      tiles
        .slice(i + 1)
        .every(({ inner: b }) => a.x1 <= b.x0 || b.x1 <= a.x0 || a.y1 <= b.y0 || b.y1 <= a.y0),
    );
    if (wrong.length > 0 || covered !== width * height || !apart) {
      t.fail('a plan is unsound', { width, height, tilePixels, wrong, covered, apart });
    }
  }
  t.end();
});

t.test('merged moments are those of the whole', (t) => {
  const random = randomNumbers(2);
  const values = Float64Array.from({ length: 1000 }, (_, i) => 500 + i / 100 + random());
  const parts = [values.subarray(0, 1), values.subarray(1, 700), values.subarray(700)];
  const moments = parts.map((part) =>
    momentsOf(Float32Array.of(mean(part), deviation(part) ** 2 - epsilon), part.length),
  );
  const whole = statisticsOf(
    moments.reduce((a, b) => mergeMoments(a, b)),
    epsilon,
  );
  t.ok(relativeError(whole, [mean(values), deviation(values)]) < 1e-6);
  t.ok(relativeError(whole.subarray(1), [deviation(values)]) < 1e-5);
  t.end();
});

async function finish(painting: TiledStylization): Promise<{ data: Uint8Array; tiles: number }> {
  for (let tiles = 1; ; tiles++) {
    const { done, value } = await painting.next();
    if (done) return { data: value.data, tiles };
  }
}

t.test('tiles equal the single pass but for rounding', async (t) => {
  const side = 2 * halo + 64;
  const layout = anyShape(model, side ** 2);
  const executor = await createPlanningExecutor(model, cpu, layout);
  t.teardown(() => executor.release());
  const [statistics = new Float32Array()] = await executor.describe([testPicture(96, 80, 9)]);
  for (const [width, height, alpha, color] of [
    [side - 2 * margin, 200, 1, 'style'], // exactly one tile
    [side - 2 * margin + 1, 64, 1, 'style'], // one pixel too wide for it
    [333, 301, 1, 'style'],
    [350, 297, 0.4, 'style'],
    [1700, 40, 1, 'content'], // a strip
    [17, 640, 0, 'style'],
    [90, 900, 1, 'only'], // rows are overwritten while others below are painted
  ] as const) {
    const input = { image: testPicture(width, height), statistics, alpha, color };
    const [whole] = await executor.stylize([input]);
    const { data, tiles } = await finish(executor.stylizeTiled(input));
    t.equal(tiles, stylizeSteps(planTiled({ width, height }, layout)).length);
    const { share, largest } = closeness(data, whole?.data ?? []);
    t.ok(
      share >= 0.999,
      `${width} × ${height}: ${100 * share} % of values within 1, ${tiles} tiles`,
    );
    t.ok(largest <= 2, `largest difference ${largest}`);
  }
});
