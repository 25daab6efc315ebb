import t from 'tap';
import { blend } from '../../../src/stylization/blend.ts';
import {
  addAdainByPlace,
  addStatistics,
  addUnpacked,
} from '../../../src/engine/model/graph/adain.ts';
import { loadModel } from '../../../src/engine/model/model.ts';
import { layOver } from '../../../src/lay-over.ts';
import { addGrain, addGrainByPlace } from '../../../src/engine/inference/grain.ts';
import { canvasShares, canvasStrength } from '../../../src/engine/inference/shares.ts';
import type { TiledStylization } from '../../../src/engine/inference/tiled-stylize.ts';
import { layoutOf } from '../../../src/engine/tiling/layout.ts';
import type { StyleStatistics, StylizeInput } from '../../../src/engine/types.ts';
import type { Size } from '../../../src/rgb-image.ts';
import { adain, at, epsilon } from '../formulas.ts';
import type { Features } from '../formulas.ts';
import {
  anyShape,
  closeness,
  copyOf,
  cpu,
  createPlanningExecutor,
  float32,
  modelsDir,
  randomNumbers,
  relativeError,
  runNodes,
  testPicture,
} from '../helpers.ts';

const model = await loadModel(modelsDir);
const { stride, encoderMargin, decoderHalo } = model;
const halo = encoderMargin + decoderHalo;
const layout = anyShape(model, (2 * halo + 64) ** 2);
const executor = await createPlanningExecutor(model, cpu, layout);
t.teardown(() => executor.release());

const styles: StyleStatistics[] = [];
for (const seed of [3, 4, 5]) {
  styles.push(...(await executor.describe([testPicture(96, 80, seed)])));
}
const [first, second] = styles as [StyleStatistics, StyleStatistics];
const packed = Float32Array.from(styles.flatMap((style) => [...style]));

const gridOf = ({ width, height }: Size) => ({
  columns: Math.ceil(width / stride),
  rows: Math.ceil(height / stride),
});

/** float32 [K, h, w], of what each style gets at each step. */
function sharesOf(size: Size, share: (style: number, x: number, y: number) => number, count = 3) {
  const { columns, rows } = gridOf(size);
  return Float32Array.from({ length: count * columns * rows }, (_, i) => {
    const place = i % (columns * rows);
    const style = Math.floor(i / (columns * rows));
    return share(style, place % columns, Math.floor(place / columns));
  });
}

async function paint(input: Omit<StylizeInput, 'color'>): Promise<Uint8Array> {
  const copy = { ...input, image: copyOf(input.image), color: 'style' as const };
  const [painted] = await executor.stylize([copy]);
  return painted?.data ?? new Uint8Array();
}

async function finish(painting: TiledStylization): Promise<Uint8Array> {
  for (;;) {
    const { done, value } = await painting.next();
    if (done) return value.data;
  }
}

t.test('features move towards every style by its share of the place', async (t) => {
  const [channels, rows, columns, count] = [6, 3, 5, 4];
  const random = randomNumbers(1);
  const numbers = (length: number, make: () => number) => Float32Array.from({ length }, make);
  const data = Float64Array.from(numbers(channels * rows * columns, () => 6 * random() - 2));
  const x: Features = { data, n: 1, c: channels, p: rows * columns };
  const statistics = numbers(count * 2 * channels, () => 0.1 + 3 * random());
  const shares = numbers(count * x.p, () => random() / count);
  for (let style = 0; style < count; style++) shares[style * x.p + 7] = 0;

  const output = await runNodes(
    {
      features: float32(data, [1, channels, rows, columns]),
      statistics: float32(statistics, [count, 2, channels]),
      shares: float32(shares, [1, count, rows, columns]),
    },
    (graph, { features = '', statistics = '', shares = '' }) => {
      const content = addStatistics(graph, 'content', features, epsilon);
      const styles = addUnpacked(graph, 'styles', statistics);
      return addAdainByPlace(graph, 'adain', features, content, styles, shares);
    },
    { type: 'float32', shape: [1, channels, rows, columns] },
  );
  const found = output.data as Float32Array;
  const expected = new Float64Array(data.length);
  for (let channel = 0; channel < channels; channel++) {
    const plane = at(x, 0, channel);
    const styled = Array.from({ length: count }, (_, style) => {
      const begin = style * 2 * channels + channel;
      return adain(plane, statistics[begin] ?? NaN, statistics[begin + channels] ?? NaN);
    });
    for (const [place, value] of plane.entries()) {
      const share = (style: number) => shares[style * x.p + place] ?? NaN;
      const rest = styled.reduce((left, _, style) => left - share(style), 1);
      const moved = styled.reduce((sum, one, style) => sum + share(style) * (one[place] ?? NaN), 0);
      expected[channel * x.p + place] = rest * value + moved;
    }
    t.equal(found[channel * x.p + 7], Math.fround(plane[7] ?? NaN), 'no share changes no bit');
  }
  t.ok(relativeError(found, expected) < 2e-5);
});

t.test(
  'full shares of one style, and equal ones of several, are the style and the blend',
  async (t) => {
    for (const [width, height, alpha] of [
      [72, 48, 1],
      [101, 67, 0.6],
    ] as const) {
      const image = testPicture(width, height);
      const only = await paint({ image, alpha, statistics: second });
      const full = await paint({
        ...{ image, alpha, statistics: packed },
        shares: sharesOf(image, (style) => (style === 1 ? 1 : 0)),
      });
      t.ok(closeness(full, only).largest <= 1, 'one style');
      const weights = [1, 2, 5];
      const blended = await paint({ image, alpha, statistics: blend(styles, weights) });
      const shared = await paint({
        ...{ image, alpha, statistics: packed },
        shares: sharesOf(image, (style) => (weights[style] ?? NaN) / 8),
      });
      t.ok(closeness(shared, blended).largest <= 1, 'the blend');
      const none = await paint({
        image,
        alpha,
        statistics: packed,
        shares: sharesOf(image, () => 0),
      });
      t.same(none, await paint({ image, alpha: 0, statistics: first }), 'no share at all: alpha 0');
      t.ok(closeness(only, blended).share < 0.9, 'these differ');
    }
  },
);

t.test('each style paints its own place, the first rows and columns first', async (t) => {
  const size = { width: 296, height: 264 };
  const image = testPicture(size.width, size.height);
  const [one, other] = [
    await paint({ image, alpha: 1, statistics: first }),
    await paint({ image, alpha: 1, statistics: second }),
  ];
  const { columns, rows } = gridOf(size);
  for (const [name, isFirst] of [
    ['left', (x: number) => x < columns / 2],
    ['top', (_: number, y: number) => y < rows / 2],
  ] as const) {
    const shares = sharesOf(size, (style, x, y) => (style === (isFirst(x, y) ? 0 : 1) ? 1 : 0), 2);
    const statistics = Float32Array.from([...first, ...second]);
    const both = await paint({ image, alpha: 1, statistics, shares });
    // Further from the border than a painted pixel sees.
    const strip = (data: Uint8Array, atEnd: boolean) => {
      const width = 3 * (size.width / 2 - decoderHalo - stride);
      const height = size.height / 2 - decoderHalo - stride;
      if (name === 'top') {
        const bytes = 3 * size.width * height;
        return atEnd ? data.subarray(-bytes) : data.subarray(0, bytes);
      }
      return Array.from({ length: size.height }, (_, y) => {
        const row = data.subarray(3 * size.width * y, 3 * size.width * (y + 1));
        return [...(atEnd ? row.subarray(-width) : row.subarray(0, width))];
      }).flat();
    };
    t.ok(closeness(strip(both, false), strip(one, false)).largest <= 1, `${name}: the first`);
    t.ok(closeness(strip(both, true), strip(other, true)).largest <= 1, `${name}: the second`);
  }
  t.ok(closeness(one, other).share < 0.9, 'these differ');
});

t.test('tiles equal the single pass, shares, alphas, coverage and colors with them', async (t) => {
  for (const [width, height, color] of [
    [333, 301, 'style'],
    [700, 40, 'content'],
    [90, 900, 'only'],
  ] as const) {
    const image = testPicture(width, height);
    const input = {
      ...{ image, alpha: 0.9, color, statistics: packed },
      shares: sharesOf(image, (style, x, y) => {
        const wave = 0.5 + 0.5 * Math.sin(x / 3 + y / 5);
        return [wave, 0.5 * (1 - wave), 0.3 * (1 - wave)][style] ?? NaN;
      }),
      coverage: Uint8Array.from({ length: width * height }, (_, i) => (i % width) + (i >> 9)),
    };
    const [whole] = await executor.stylize([{ ...input, image: copyOf(image) }]);
    const tiled = await finish(executor.stylizeTiled({ ...input, image: copyOf(image) }));
    const { share, largest } = closeness(tiled, whole?.data ?? []);
    t.ok(share >= 0.999, `${width} × ${height}: ${100 * share} % of values within 1`);
    t.ok(largest <= 2, `largest difference ${largest}`);
    const untouched = input.coverage.findIndex((share) => share === 0);
    for (const data of [tiled, whole?.data ?? []]) {
      t.same(
        data.slice(3 * untouched, 3 * untouched + 3),
        image.data.slice(3 * untouched, 3 * untouched + 3),
      );
    }
  }
});

t.test('on the canvases of a GPU, with styles that fill it up', async (t) => {
  const gpu = layoutOf(model, { ...cpu, provider: 'cuda' }, { tilePixels: 320 ** 2 });
  const painter = await createPlanningExecutor(model, cpu, gpu);
  t.teardown(() => painter.release());
  const image = testPicture(150, 210);
  const weights = [1, 2, 5];
  const input = { image, alpha: 1, color: 'style' as const };
  const shares = sharesOf(image, (style) => (weights[style] ?? NaN) / 8);
  const [shared] = await painter.stylize([{ ...input, statistics: packed, shares }]);
  const [blended] = await painter.stylize([{ ...input, statistics: blend(styles, weights) }]);
  t.ok(closeness(shared?.data ?? [], blended?.data ?? []).largest <= 1);
});

t.test('shares are mirrored around the picture, and alpha goes over them', (t) => {
  const image = testPicture(20, 16); // 3 × 2 steps
  const shares = sharesOf(image, (style, x, y) => (style + 1) * (x + 10 * y), 2);
  const { margin } = model;
  const corner = margin / stride;
  const rectangle = { x0: corner - 2, y0: corner, x1: corner + 7, y1: corner + 3 };
  const across = [1, 0, 0, 1, 2, 2, 1, 0, 0];
  const expected = [0, 10, 10].flatMap((row) => across.map((x) => row + x));
  const seen = canvasShares({ image, alpha: 1, shares }, layout, rectangle);
  t.same([...seen], [...expected, ...expected.map((value) => 2 * value)]);
  const half = canvasStrength({ image, alpha: 0.5, shares }, layout, rectangle);
  t.same(
    [...half],
    expected.map((value) => 1.5 * value),
  );
  t.end();
});

t.test('grain follows the levels of every place', (t) => {
  const rectangle = { x0: -8, y0: -16, x1: 16, y1: 8 };
  const grained = (paint: (pixels: Uint8Array<ArrayBuffer>) => void) => {
    const pixels = new Uint8Array(3 * 24 * 24).fill(100);
    paint(pixels);
    return pixels;
  };
  const levels = Float64Array.from({ length: 9 }, (_, i) => i);
  const found = grained((pixels) => {
    addGrainByPlace(pixels, rectangle, 8, levels);
  });
  const expected = new Uint8Array(found.length);
  for (const [place, level] of levels.entries()) {
    const even = grained((pixels) => {
      addGrain(pixels, rectangle, level);
    });
    const [column, row] = [place % 3, Math.floor(place / 3)];
    for (let y = 8 * row; y < 8 * row + 8; y++) {
      const from = 3 * (24 * y + 8 * column);
      expected.set(even.subarray(from, from + 24), from);
    }
  }
  t.same(found, expected);
  t.end();
});

t.test('coverage lays the painting over the photograph', (t) => {
  const photograph = Uint8Array.from({ length: 3 * 256 }, (_, i) => (i * 31) % 256);
  const painted = Uint8Array.from({ length: 3 * 256 }, (_, i) => (i * 57 + 11) % 256);
  const coverage = Uint8Array.from({ length: 256 }, (_, i) => i);
  const found = painted.slice();
  layOver(coverage, photograph, found);
  const expected = painted.map((value, i) => {
    const share = Math.floor(i / 3) / 255;
    return Math.round((photograph[i] ?? NaN) * (1 - share) + value * share);
  });
  t.same(found, expected);
  t.same(found.subarray(0, 3), photograph.subarray(0, 3), 'black: the photograph');
  t.same(found.subarray(-3), painted.subarray(-3), 'white: the painting');
  t.end();
});
