/**
 * A small typed writer of ONNX graphs. Values are named by strings, as in ONNX itself: a node is
 * called `adain/mean` and its single output has the same name, so profiles and errors of the
 * runtime point back to the line that wrote the node.
 * The file format's reader and writer is generated (src/DECISIONS.md).
 */
import { create, toBinary } from '@bufbuild/protobuf';
import type { DescField } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from './onnx/onnx_pb.ts';
import type { AttributeProto, NodeProto, TensorProto, ValueInfoProto } from './onnx/onnx_pb.ts';

/** The operators' semantics that every node here is written for. */
export const opset = 17;
/** The file format's version that belongs to opset 17. */
const irVersion = 8n;

const elementTypes = {
  float32: DataType.FLOAT,
  uint8: DataType.UINT8,
  int64: DataType.INT64,
} as const;
export type ElementType = keyof typeof elementTypes;

/** The name of a value in a graph. */
export type Value = string;
/** A number is a fixed size, a string a free one that only has to agree within a run. */
export type Shape = readonly (number | string)[];
export type Attributes = Readonly<Record<string, number | readonly number[] | string>>;

export interface Graph {
  readonly name: string;
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
  readonly inputs: ValueInfoProto[];
  readonly outputs: ValueInfoProto[];
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
  addNode(graph, 'Identity', name, [value]);
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
  const node = { name, opType, input: [...inputs], output: [name], attribute };
  graph.nodes.push(create(NodeProtoSchema, node));
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

/**
 * The graph as the bytes of an ONNX model. A message is its fields one after another, so the weights,
 * nearly all of the bytes, can be put in last: the library would copy them once for each message that
 * they lie in.
 */
export function serialize({ name, nodes, initializers, inputs, outputs }: Graph): Uint8Array {
  const small = { name, node: nodes, input: inputs, output: outputs };
  const graph: Uint8Array[] = [toBinary(GraphProtoSchema, create(GraphProtoSchema, small))];
  for (const tensor of initializers) {
    const rest = toBinary(TensorProtoSchema, { ...tensor, rawData: new Uint8Array() });
    const data = lengthDelimited(TensorProtoSchema.field.rawData, [tensor.rawData]);
    graph.push(...lengthDelimited(GraphProtoSchema.field.initializer, [rest, ...data]));
  }
  const model = create(ModelProtoSchema, {
    irVersion,
    opsetImport: [{ version: BigInt(opset) }],
    producerName: 'adain-server',
  });
  const field = lengthDelimited(ModelProtoSchema.field.graph, graph);
  return Buffer.concat([toBinary(ModelProtoSchema, model), ...field]);
}

/** A field of a message as it is written, its content being `parts`. */
function lengthDelimited({ number }: DescField, parts: Uint8Array[]): Uint8Array[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(length).finish();
  return [head, ...parts];
}

function addInitializer(
  graph: Graph,
  name: string,
  type: ElementType,
  dims: readonly number[],
  rawData: Uint8Array,
): Value {
  const tensor = { name, dataType: elementTypes[type], dims: dims.map(BigInt), rawData };
  graph.initializers.push(create(TensorProtoSchema, tensor));
  return name;
}

function valueInfo(name: string, type: ElementType, shape: Shape): ValueInfoProto {
  const dim = shape.map((size) =>
    typeof size === 'number'
      ? { value: { case: 'dimValue', value: BigInt(size) } as const }
      : { value: { case: 'dimParam', value: size } as const },
  );
  const tensorType = { elemType: elementTypes[type], shape: { dim } };
  return create(ValueInfoProtoSchema, { name, type: { tensorType } });
}

/** Integers only where a number is given: no operator used here takes a float attribute. */
function attributeOf(name: string, value: number | readonly number[] | string): AttributeProto {
  const content =
    typeof value === 'number'
      ? { type: AttributeType.INT, i: BigInt(value) }
      : typeof value === 'string'
        ? { type: AttributeType.STRING, s: Buffer.from(value) }
        : { type: AttributeType.INTS, ints: value.map(BigInt) };
  return create(AttributeProtoSchema, { name, ...content });
}
