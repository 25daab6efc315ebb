/**
 * The networks in half precision behind the same float32 interface: their weights and all that
 * they compute are float16, inputs and outputs are cast. What surrounds it (pixels, statistics,
 * AdaIN) stays in float32, where sums over whole pictures keep their digits.
 */
import { Float16Array } from '@petamoriken/float16';
import proto from 'onnx-proto';
import type { onnx } from 'onnx-proto';
import type { Parts } from './graphs.ts';

const { FLOAT, FLOAT16 } = proto.onnx.TensorProto.DataType;

/** @throws RangeError when a weight is beyond what float16 can hold, ±65504 */
export function inHalf(parts: Parts): Parts {
  return { ...parts, encoder: halfModel(parts.encoder), decoder: halfModel(parts.decoder) };
}

function halfModel(model: onnx.IModelProto): onnx.IModelProto {
  const graph = model.graph ?? {};
  const weights = graph.initializer ?? [];
  const constants = new Set(weights.map(({ name }) => name));
  const inputs = namesOf(graph.input).filter((name) => !constants.has(name));
  const outputs = namesOf(graph.output);
  const full = scalesOfResize(graph);

  const bridged = new Set([...inputs, ...outputs]);
  const half = (name: string) => (bridged.has(name) ? `${name}/half` : name);
  const nodes = (graph.node ?? []).map((node) => ({
    ...node,
    input: (node.input ?? []).map(half),
    output: (node.output ?? []).map(half),
    attribute: node.output?.some((name) => full.has(name))
      ? (node.attribute ?? [])
      : (node.attribute ?? []).map((one) => (one.t ? { ...one, t: halfTensor(one.t) } : one)),
  }));
  const before = inputs.map((name) => cast(name, half(name), FLOAT16));
  const after = outputs.map((name) => cast(half(name), name, FLOAT));
  const initializer = weights.map((one) => (full.has(one.name ?? '') ? one : halfTensor(one)));
  return { ...model, graph: { ...graph, initializer, node: [...before, ...nodes, ...after] } };
}

/** Resize takes its region and its scales in float32 whatever it resizes. */
function scalesOfResize({ node }: onnx.IGraphProto): Set<string> {
  const resizes = (node ?? []).filter(({ opType }) => opType === 'Resize');
  return new Set(resizes.flatMap(({ input }) => (input ?? []).slice(1)));
}

function cast(from: string, output: string, to: number): onnx.INodeProto {
  const attribute = [{ name: 'to', type: proto.onnx.AttributeProto.AttributeType.INT, i: to }];
  return { name: `${output}/cast`, opType: 'Cast', input: [from], output: [output], attribute };
}

function halfTensor(tensor: onnx.ITensorProto): onnx.ITensorProto {
  if (tensor.dataType !== FLOAT) return tensor;
  const { rawData, floatData, ...rest } = tensor;
  // The bytes lie anywhere in the file: a copy is aligned.
  const values = rawData?.length
    ? new Float32Array(new Uint8Array(rawData).buffer)
    : Float32Array.from(floatData ?? []);
  const halves = Float16Array.from(values);
  if (!halves.every(Number.isFinite)) {
    throw new RangeError(
      `${String(tensor.name)} holds numbers beyond float16: use ADAIN_PRECISION=fp32`,
    );
  }
  return { ...rest, dataType: FLOAT16, rawData: new Uint8Array(halves.buffer) };
}

function namesOf(values: onnx.IValueInfoProto[] | null | undefined): string[] {
  return (values ?? []).map(({ name }) => name ?? '');
}
