import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { addNode, emptyGraph, serialize } from '../../../src/engine/model/graph/builder.ts';
import {
  momentsGraph,
  stylizeGraph,
  tileStylizeGraph,
} from '../../../src/engine/model/graph/graphs.ts';
import { inHalf } from '../../../src/engine/model/graph/half.ts';
import { inline } from '../../../src/engine/model/graph/inline.ts';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
} from '../../../src/engine/model/graph/onnx/onnx_pb.ts';
import { loadModel, partsOf } from '../../../src/engine/model/model.ts';
import { createSession } from '../../../src/engine/inference/onnxruntime.ts';
import { cpu, float32, modelsDir, runNodes } from '../helpers.ts';

const model = await loadModel(modelsDir);
const full = partsOf(model);

t.test('onnx_pb.ts is what `npm run proto` makes of onnx.proto', (t) => {
  const folder = fileURLToPath(new URL('../../../src/engine/model/graph/onnx', import.meta.url));
  const made = t.testdir({});
  for (const file of ['onnx.proto', 'buf.gen.yaml']) cpSync(join(folder, file), join(made, file));
  const tools = fileURLToPath(new URL('../../../node_modules/.bin', import.meta.url));
  const env = { ...process.env, PATH: `${tools}${delimiter}${process.env['PATH'] ?? ''}` };
  execFileSync('buf', ['generate'], { cwd: made, env });
  const read = (where: string) => readFileSync(join(where, 'onnx_pb.ts'), 'utf8');
  t.equal(read(made), read(folder));
  t.end();
});

t.test('every graph is read and written without a loss', async (t) => {
  const files = { encoder: model.encoder, decoder: model.decoder };
  for (const [name, bytes] of Object.entries(files)) {
    const read = fromBinary(ModelProtoSchema, bytes);
    const written = toBinary(ModelProtoSchema, read);
    t.ok(equal(fromBinary(ModelProtoSchema, written), read), name);
    await loads(written);
  }
  for (const parts of [full, inHalf(full)]) {
    for (const make of [momentsGraph, stylizeGraph, tileStylizeGraph]) {
      const { name, nodes: node, initializers: initializer, ...rest } = make(parts);
      const { inputs: input, outputs: output } = rest;
      const written = serialize(make(parts));
      const { graph } = fromBinary(ModelProtoSchema, written);
      t.ok(
        equal(graph, create(GraphProtoSchema, { name, node, initializer, input, output })),
        name,
      );
      await loads(written);
    }
  }
});

/** Bytes count, not whether a Buffer holds them. */
function equal(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

async function loads(bytes: Uint8Array): Promise<void> {
  const session = await createSession(bytes, cpu);
  await session.release();
}

t.test('weights are views of the file, not copies', (t) => {
  const [tensor] = full.encoder.graph?.initializer ?? [];
  t.equal(tensor?.rawData.buffer, model.encoder.buffer);
  t.end();
});

t.test('fields that onnx.proto leaves out come along', (t) => {
  const node = toBinary(NodeProtoSchema, create(NodeProtoSchema, { opType: 'Odd' }));
  const domain = Buffer.from('\x3a\x0bcom.example'); // field 7
  const odd = fromBinary(NodeProtoSchema, Buffer.concat([node, domain]));
  const graph = emptyGraph('odd');
  inline(graph, create(ModelProtoSchema, { graph: { node: [odd] } }), 'part', {});
  t.ok(Buffer.from(serialize(graph)).includes(domain));
  t.end();
});

t.test('an attribute of 0, of which nothing is written, means 0', async (t) => {
  const row = float32([1, 2], [1, 2]);
  const joined = await runNodes(
    { row },
    (graph, { row = '' }) => addNode(graph, 'Concat', 'joined', [row, row], { axis: 0 }),
    { type: 'float32', shape: [2, 2] },
  );
  t.same(joined.dims, [2, 2]);
});

t.test('a part with a subgraph or an unbound input is refused by name', (t) => {
  const part = (graph: object) => create(ModelProtoSchema, { graph });
  const inlined = (graph: object) => () => inline(emptyGraph('whole'), part(graph), 'part', {});
  const branch = { name: 'choice', opType: 'If', attribute: [{ name: 'then', g: {} }] };
  t.throws(inlined({ node: [branch] }), /part: node choice has a subgraph/);
  t.throws(inlined({ input: [{ name: 'picture' }] }), /part: input picture is not bound/);
  t.end();
});
