import { create } from '@bufbuild/protobuf';
import t from 'tap';
import { inHalf } from '../../../src/engine/model/graph/half.ts';
import { loadModel, partsOf } from '../../../src/engine/model/model.ts';
import {
  anyShape,
  createPlanningExecutor,
  closeness,
  cpu,
  modelsDir,
  relativeError,
  testPicture,
} from '../helpers.ts';
import {
  ModelProtoSchema,
  TensorProto_DataType as DataType,
} from '../../../src/engine/model/graph/onnx/onnx_pb.ts';

const model = await loadModel(modelsDir);
const { FLOAT, FLOAT16, INT64 } = DataType;

t.test('weights become float16, the interface stays float32', (t) => {
  const parts = partsOf(model);
  const half = inHalf(parts);
  for (const part of ['encoder', 'decoder'] as const) {
    const [before, after] = [parts[part].graph, half[part].graph];
    t.same(after?.input, before?.input);
    t.same(after?.output, before?.output);
    const convolutions = after?.node.filter(({ opType }) => opType === 'Conv') ?? [];
    const weights = new Map(after?.initializer.map((tensor) => [tensor.name, tensor]));
    t.ok(convolutions.length > 0);
    for (const { input } of convolutions) {
      const [, ...own] = input;
      t.ok(own.length > 0);
      for (const name of own) t.equal(weights.get(name)?.dataType, FLOAT16, name);
    }
  }
  t.end();
});

t.test('only float32 tensors change, and not the scales of Resize', (t) => {
  const tensor = (name: string, dataType: DataType, numbers: ArrayBufferView) => {
    const { buffer, byteOffset, byteLength } = numbers;
    return { name, dataType, dims: [1n], rawData: new Uint8Array(buffer, byteOffset, byteLength) };
  };
  const value = { name: 'x', type: { tensorType: { elemType: FLOAT } } };
  const network = (weight: number) =>
    create(ModelProtoSchema, {
      graph: {
        input: [value],
        output: [{ ...value, name: 'y' }],
        node: [
          { opType: 'Mul', input: ['x', 'weight'], output: ['scaled'] },
          { opType: 'Resize', input: ['scaled', '', 'scales'], output: ['resized'] },
          { opType: 'Squeeze', input: ['resized', 'axes'], output: ['y'] },
        ],
        initializer: [
          tensor('weight', FLOAT, Float32Array.of(0, weight).subarray(1)),
          tensor('scales', FLOAT, Float32Array.of(2)),
          tensor('axes', INT64, BigInt64Array.of(0n)),
        ],
      },
    });
  const convert = (weight: number) => {
    const encoder = network(weight);
    return inHalf({ encoder, decoder: encoder, channels: 1, epsilon: 0 }).encoder.graph;
  };
  const found = convert(-1.5);
  const [weight, ...others] = found?.initializer ?? [];
  t.same([...(weight?.rawData ?? [])], [0x00, 0xbe], 'sign 1, exponent 0, fraction one half');
  t.same(others, network(0).graph?.initializer.slice(1));
  t.same(
    found?.node.map(({ opType, input, output }) => [opType, input, output]),
    [
      ['Cast', ['x'], ['x/half']],
      ['Mul', ['x/half', 'weight'], ['scaled']],
      ['Resize', ['scaled', '', 'scales'], ['resized']],
      ['Squeeze', ['resized', 'axes'], ['y/half']],
      ['Cast', ['y/half'], ['y']],
    ],
  );
  t.throws(() => convert(1e5), /weight holds numbers beyond float16: use ADAIN_PRECISION=fp32/);
  t.end();
});

t.test('pictures in half precision are those in full, to the eye', async (t) => {
  const full = await createPlanningExecutor(model, cpu, anyShape(model));
  const half = await createPlanningExecutor(
    model,
    { ...cpu, precision: 'float16' },
    anyShape(model),
  );
  t.teardown(() => Promise.all([full.release(), half.release()]));
  const style = testPicture(120, 90, 5);
  const [statistics = new Float32Array()] = await full.describe([style]);
  const [rounded = new Float32Array()] = await half.describe([style]);
  t.ok(relativeError(rounded, statistics) < 1e-3);
  for (const alpha of [0, 1]) {
    const input = { image: testPicture(160, 128), alpha, color: 'style' as const };
    const [expected] = await full.stylize([{ ...input, statistics }]);
    const [found] = await half.stylize([{ ...input, statistics: rounded }]);
    const { share, largest } = closeness(found?.data ?? [], expected?.data ?? []);
    t.ok(share > 0.999, `${100 * share} % of the values within 1 of 255`);
    t.ok(largest <= 4, `largest difference ${largest}`);
    t.ok(largest > 0, 'and not the very same, so it is half precision');
  }
});
