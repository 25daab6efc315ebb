/**
 * A small typed writer of ONNX graphs. Values are named by strings, as in ONNX itself: a node is
 * called `adain/mean` and its single output has the same name, so profiles and errors of the
 * runtime point back to the line that wrote the node.
 */
import proto from 'onnx-proto';
import type { onnx } from 'onnx-proto';

/** The operators' semantics that every node here is written for. */
export const opset = 17;
/** The file format's version that belongs to opset 17. */
const irVersion = 8;

const elementTypes = {
  float32: proto.onnx.TensorProto.DataType.FLOAT,
  uint8: proto.onnx.TensorProto.DataType.UINT8,
  int64: proto.onnx.TensorProto.DataType.INT64,
} as const;
export type ElementType = keyof typeof elementTypes;

/** The name of a value in a graph. */
export type Value = string;
/** A number is a fixed size, a string a free one that only has to agree within a run. */
export type Shape = readonly (number | string)[];
export type Attributes = Readonly<Record<string, number | readonly number[] | string>>;

export interface Graph {
  readonly name: string;
  readonly nodes: onnx.INodeProto[];
  readonly initializers: onnx.ITensorProto[];
  readonly inputs: onnx.IValueInfoProto[];
  readonly outputs: onnx.IValueInfoProto[];
}

export function emptyGraph(name: string): Graph {
  return { name, nodes: [], initializers: [], inputs: [], outputs: [] };
}

export function addInput(graph: Graph, name: string, type: ElementType, shape: Shape): Value {
  graph.inputs.push(valueInfo(name, type, shape));
  return name;
}

/** Declares a value as the graph's output `name`. */
export function addOutput(
  graph: Graph,
  name: string,
  value: Value,
  type: ElementType,
  shape: Shape,
): void {
  graph.nodes.push({ name, opType: 'Identity', input: [value], output: [name] });
  graph.outputs.push(valueInfo(name, type, shape));
}

/** Adds a node of one output and returns it. An empty string stands for an omitted input. */
export function addNode(
  graph: Graph,
  opType: string,
  name: string,
  inputs: readonly Value[],
  attributes: Attributes = {},
): Value {
  const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
  graph.nodes.push({ name, opType, input: [...inputs], output: [name], attribute });
  return name;
}

/** A float32 constant; `dims` defaults to a scalar or a vector. */
export function addFloats(
  graph: Graph,
  name: string,
  values: number | readonly number[],
  dims: readonly number[] = typeof values === 'number' ? [] : [values.length],
): Value {
  const data = Float32Array.from(typeof values === 'number' ? [values] : values);
  return addInitializer(graph, name, 'float32', dims, new Uint8Array(data.buffer));
}

/** An int64 scalar or vector, which is how ONNX takes axes, indices and shapes. */
export function addIntegers(graph: Graph, name: string, values: number | readonly number[]): Value {
  const dims = typeof values === 'number' ? [] : [values.length];
  const data = BigInt64Array.from(typeof values === 'number' ? [values] : values, BigInt);
  return addInitializer(graph, name, 'int64', dims, new Uint8Array(data.buffer));
}

/** The graph as the bytes of an ONNX model. */
export function serialize(graph: Graph): Uint8Array {
  return proto.onnx.ModelProto.encode({
    irVersion,
    opsetImport: [{ domain: '', version: opset }],
    producerName: 'adain-server',
    graph: {
      name: graph.name,
      node: graph.nodes,
      initializer: graph.initializers,
      input: graph.inputs,
      output: graph.outputs,
    },
  }).finish();
}

function addInitializer(
  graph: Graph,
  name: string,
  type: ElementType,
  dims: readonly number[],
  rawData: Uint8Array,
): Value {
  graph.initializers.push({ name, dataType: elementTypes[type], dims: [...dims], rawData });
  return name;
}

function valueInfo(name: string, type: ElementType, shape: Shape): onnx.IValueInfoProto {
  const dim = shape.map((size) =>
    typeof size === 'number' ? { dimValue: size } : { dimParam: size },
  );
  return { name, type: { tensorType: { elemType: elementTypes[type], shape: { dim } } } };
}

/** Integers only where a number is given: no operator used here takes a float attribute. */
function attributeOf(name: string, value: number | readonly number[] | string) {
  const types = proto.onnx.AttributeProto.AttributeType;
  if (typeof value === 'number') return { name, type: types.INT, i: value };
  if (typeof value === 'string') return { name, type: types.STRING, s: Buffer.from(value) };
  return { name, type: types.INTS, ints: [...value] };
}
