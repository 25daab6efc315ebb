import t from 'tap';
import {
  maskedStylizeGraph,
  momentsGraph,
  stylizeGraph,
  tileStylizeGraph,
} from '../../../src/engine/model/graph/graphs.ts';
import { addPixels, addPlanes } from '../../../src/engine/model/graph/picture.ts';
import { loadModel, partsOf } from '../../../src/engine/model/model.ts';
import { rectangleAt } from '../../../src/engine/tiling/rectangle.ts';
import { createSession } from '../../../src/engine/inference/onnxruntime.ts';
import { canvasSize, copyCanvas } from '../../../src/engine/tiling/canvas.ts';
import { deviation, mean } from '../formulas.ts';
import {
  anyShape,
  createPlanningExecutor,
  closeness,
  copyOf,
  cpu,
  float32,
  modelsDir,
  relativeError,
} from '../helpers.ts';
import { runNodes, testPicture } from '../helpers.ts';
import type { StylizeInput } from '../../../src/engine/types.ts';

const model = await loadModel(modelsDir);
const executor = await createPlanningExecutor(model, cpu, anyShape(model));
const [grained, bare] = (await Promise.all(
  [4, 0].map((grain) => createPlanningExecutor(model, cpu, { ...anyShape(model), grain })),
)) as [typeof executor, typeof executor];
t.teardown(() => Promise.all([executor, grained, bare].map((one) => one.release())));

async function describe(width: number, height: number, seed: number) {
  const [statistics] = await executor.describe([testPicture(width, height, seed)]);
  return statistics ?? new Float32Array();
}

t.test('pixels become planes and come back, rounded half to even and clamped', async (t) => {
  const pixels = testPicture(5, 4);
  const back = await runNodes(
    { pixels: { type: 'uint8', data: pixels.data, dims: [1, 4, 5, 3] } },
    (graph, { pixels = '' }) => addPixels(graph, 'bytes', addPlanes(graph, 'planes', pixels)),
    { type: 'uint8', shape: [1, 4, 5, 3] },
  );
  t.same(back.data, pixels.data);

  const values = [-0.2, 0.5 / 255, 1.5 / 255, 1, 1.7, 254.4 / 255];
  const bytes = await runNodes(
    { planes: float32(values, [1, 3, 1, 2]) },
    (graph, { planes = '' }) => addPixels(graph, 'bytes', planes),
    { type: 'uint8', shape: [1, 1, 2, 3] },
  );
  t.same([...bytes.data], [0, 2, 255, 0, 255, 254], 'planes 0 1, 2 3, 4 5 → pixels 0 2 4, 1 3 5');
});

t.test('every size from 16 × 16 up is painted in its own size', async (t) => {
  const statistics = await describe(48, 32, 2);
  t.equal(statistics.length, 2 * model.channels);
  for (const [width, height] of [
    [16, 16],
    [17, 33],
    [16, 23],
    [24, 16],
    [31, 31],
    [200, 19],
    [65, 127],
  ] as const) {
    const image = testPicture(width, height);
    const [painted] = await executor.stylize([
      { image, statistics, alpha: 1, color: 'style' as const },
    ]);
    t.match(painted, { width, height });
    t.equal(painted?.data.length, 3 * width * height);
    const own = await describe(width, height, 3);
    t.ok(own.every(Number.isFinite));
  }
});

t.test('a batch of mixed styles and alphas equals its pictures one by one', async (t) => {
  const inputs: StylizeInput[] = await Promise.all(
    [0, 0.5, 1].map(async (alpha, i) => ({
      image: testPicture(40, 56, i),
      statistics: await describe(64, 64, 10 + i),
      alpha,
      color: 'style' as const,
    })),
  );
  const together = await executor.stylize(inputs);
  const descriptions = await executor.describe(inputs.map(({ image }) => image));
  for (const [i, input] of inputs.entries()) {
    const [alone] = await executor.stylize([{ ...input, image: copyOf(input.image) }]);
    const { share, largest } = closeness(together[i]?.data ?? [], alone?.data ?? []);
    t.equal(share, 1);
    t.ok(largest <= 1);
    const [described] = await executor.describe([input.image]);
    t.ok(relativeError(descriptions[i] ?? [], described ?? []) < 1e-5);
  }
});

t.test('contents get grain, but at alpha 0', async (t) => {
  const statistics = await describe(64, 64, 10);
  const both = (alpha: number) =>
    Promise.all(
      [grained, bare].map(async ({ stylize }) => {
        const image = testPicture(72, 48);
        const [painted] = await stylize([{ image, statistics, alpha, color: 'style' as const }]);
        return Buffer.from(painted?.data ?? []);
      }),
    );
  const [plain, same] = await both(0);
  t.same(plain, same);
  const [rough, smooth] = await both(1);
  t.notOk(rough?.equals(smooth ?? rough));
});

t.test('a picture in its own style is the same at every alpha', async (t) => {
  // But for grain, which styles have none of.
  const image = testPicture(72, 48);
  const [statistics = new Float32Array()] = await bare.describe([image]);
  const [plain, styled] = await bare.stylize(
    [0, 1].map((alpha) => ({ image, statistics, alpha, color: 'style' as const })),
  );
  t.ok(closeness(plain?.data ?? [], styled?.data ?? []).largest <= 1);
});

t.test('statistics count the picture alone, not its margin', async (t) => {
  const [width, height] = [44, 29];
  const image = testPicture(width, height);
  const canvas = canvasSize(image, model);
  const pixels = new Uint8Array(3 * canvas.width * canvas.height);
  copyCanvas(image, model.margin, rectangleAt(0, 0, canvas), pixels);
  const picture = Float32Array.from({ length: pixels.length }, (_, i) => {
    const plane = canvas.width * canvas.height;
    return (pixels[3 * (i % plane) + Math.floor(i / plane)] ?? NaN) / 255;
  });
  const encoder = await createSession(model.encoder, cpu);
  t.teardown(() => encoder.release());
  const features = await encoder.run({
    picture: float32(picture, [1, 3, canvas.height, canvas.width]),
  });

  const [, channels = 0, rows = 0, columns = 0] = features.dims;
  const first = (model.margin - model.encoderMargin) / model.stride;
  const expected = [mean, deviation].flatMap((formula) =>
    Array.from({ length: channels }, (_, c) => {
      const inside: number[] = [];
      for (let y = first; y < first + Math.ceil(height / model.stride); y++) {
        for (let x = first; x < first + Math.ceil(width / model.stride); x++) {
          inside.push(Number(features.data[(c * rows + y) * columns + x]));
        }
      }
      return formula(Float64Array.from(inside));
    }),
  );
  const [found] = await executor.describe([image]);
  t.ok(relativeError(found ?? [], expected) < 1e-4);
});

t.test('no graph computes with shapes, which a GPU would leave to the CPU', (t) => {
  const ofShapes = ['Shape', 'Size', 'Range', 'ConstantOfShape', 'NonZero', 'Reshape', 'Expand'];
  for (const make of [momentsGraph, stylizeGraph, tileStylizeGraph, maskedStylizeGraph]) {
    const { name, nodes } = make(partsOf(model));
    t.same(
      nodes.filter(({ opType }) => ofShapes.includes(opType)),
      [],
      name,
    );
  }
  t.end();
});
