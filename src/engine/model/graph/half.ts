/**
 * The networks in half precision behind the same float32 interface: their weights and all that
 * they compute are float16, inputs and outputs are cast. What surrounds it (pixels, statistics,
 * AdaIN) stays in float32, where sums over whole pictures keep their digits.
 */
import { create } from '@bufbuild/protobuf';
import { Float16Array } from '@petamoriken/float16';
import type { Parts } from './graphs.ts';
import {
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType as DataType,
} from './onnx/onnx_pb.ts';
import type {
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from './onnx/onnx_pb.ts';

const { FLOAT, FLOAT16 } = DataType;

/** @throws RangeError when a weight is beyond what float16 can hold, ±65504 */
export function inHalf(parts: Parts): Parts {
  return { ...parts, encoder: halfModel(parts.encoder), decoder: halfModel(parts.decoder) };
}

function halfModel(model: ModelProto): ModelProto {
  const graph = model.graph ?? create(GraphProtoSchema);
  const constants = new Set(graph.initializer.map(({ name }) => name));
  const inputs = namesOf(graph.input).filter((name) => !constants.has(name));
  const outputs = namesOf(graph.output);
  const full = scalesOfResize(graph);

  const bridged = new Set([...inputs, ...outputs]);
  const half = (name: string) => (bridged.has(name) ? `${name}/half` : name);
  const nodes = graph.node.map((node) => ({
    ...node,
    input: node.input.map(half),
    output: node.output.map(half),
    attribute: node.output.some((name) => full.has(name))
      ? node.attribute
      : node.attribute.map((one) => (one.t ? { ...one, t: halfTensor(one.t) } : one)),
  }));
  const before = inputs.map((name) => cast(name, half(name), FLOAT16));
  const after = outputs.map((name) => cast(half(name), name, FLOAT));
  const initializer = graph.initializer.map((one) => (full.has(one.name) ? one : halfTensor(one)));
  return { ...model, graph: { ...graph, initializer, node: [...before, ...nodes, ...after] } };
}

/** Resize takes its region and its scales in float32 whatever it resizes. */
function scalesOfResize({ node }: GraphProto): Set<string> {
  const resizes = node.filter(({ opType }) => opType === 'Resize');
  return new Set(resizes.flatMap(({ input }) => input.slice(1)));
}

function cast(from: string, output: string, to: number): NodeProto {
  const attribute = [{ name: 'to', type: AttributeType.INT, i: BigInt(to) }];
  const node = { name: `${output}/cast`, opType: 'Cast', input: [from], output: [output] };
  return create(NodeProtoSchema, { ...node, attribute });
}

function halfTensor(tensor: TensorProto): TensorProto {
  if (tensor.dataType !== FLOAT) return tensor;
  const { rawData, floatData } = tensor;
  // The bytes lie anywhere in the file: a copy is aligned.
  const values =
    rawData.length > 0
      ? new Float32Array(new Uint8Array(rawData).buffer)
      : Float32Array.from(floatData);
  const halves = Float16Array.from(values);
  if (!halves.every(Number.isFinite)) {
    throw new RangeError(`${tensor.name} holds numbers beyond float16: use ADAIN_PRECISION=fp32`);
  }
  const bytes = new Uint8Array(halves.buffer);
  return { ...tensor, dataType: FLOAT16, floatData: [], rawData: bytes };
}

function namesOf(values: readonly ValueInfoProto[]): string[] {
  return values.map(({ name }) => name);
}
