/** The networks of the AdaIN paper (Huang & Belongie, ICCV 2017), from published weights. */
import { readFile } from 'node:fs/promises';
import { create } from '@bufbuild/protobuf';

import {
  addFloats,
  addInput,
  addIntegers,
  addNode,
  addOutput,
  emptyGraph,
  type Graph,
  type Value,
} from '../../src/engine/model/graph/builder.ts';
import {
  ModelProtoSchema,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  type ModelProto,
} from '../../src/engine/model/graph/onnx/onnx_pb.ts';
import type { Networks } from './networks.ts';
import { readNpz, type FloatArray } from './npz.ts';

type Weights = ReadonlyMap<string, FloatArray>;

/** VGG-19 to relu4_1; each row ends where the picture is halved. */
const encoderRows = [
  ['conv1_1', 'conv1_2'],
  ['conv2_1', 'conv2_2'],
  ['conv3_1', 'conv3_2', 'conv3_3', 'conv3_4'],
  ['conv4_1'],
];
/** Its mirror; each row ends where the picture is doubled. */
const decoderRows = [
  ['dec4_1'],
  ['dec3_4', 'dec3_3', 'dec3_2', 'dec3_1'],
  ['dec2_2', 'dec2_1'],
  ['dec1_2', 'dec1_1'],
];
const channels = 512;

/** Not part of the project: whoever wants the comparison puts them beside the checkout. */
export const referenceFolder = new URL('../../../shared/reference/', import.meta.url);

/** @throws Error with code ENOENT when the weights are not there */
export async function referenceNetworks(): Promise<Networks> {
  const [vgg, decoder] = await Promise.all(
    ['vgg19_relu4_1.npz', 'adain_decoder.npz'].map(async (name) =>
      readNpz(await readFile(new URL(name, referenceFolder))),
    ),
  );
  if (!vgg || !decoder) throw new Error('unreachable');
  return {
    encoder: encoderModel(vgg),
    decoder: decoderModel(decoder),
    channels,
    stride: 8,
    batch: 1,
    margin: 0, // each convolution reflects at its own edges
    encoderMargin: 0,
    epsilon: 1e-5,
    grain: 0,
  };
}

function encoderModel(weights: Weights): ModelProto {
  const graph = emptyGraph('vgg19');
  const picture = addInput(graph, 'picture', 'float32', ['N', 3, 'H', 'W']);
  let value = addConvolution(graph, weights, 'conv0', picture);
  for (const [index, row] of encoderRows.entries()) {
    if (index > 0) {
      const attributes = { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 };
      value = addNode(graph, 'MaxPool', `pool${index}`, [value], attributes);
    }
    for (const name of row)
      value = addRelu(graph, name, addConvolution(graph, weights, name, value));
  }
  addOutput(graph, 'features', value, 'float32', ['N', channels, 'h', 'w']);
  return modelOf(graph);
}

function decoderModel(weights: Weights): ModelProto {
  const graph = emptyGraph('decoder');
  let value = addInput(graph, 'features', 'float32', ['N', channels, 'h', 'w']);
  const last = decoderRows.at(-1)?.at(-1);
  for (const [index, row] of decoderRows.entries()) {
    if (index > 0) value = addDoubled(graph, `double${index}`, value);
    for (const name of row) {
      value = addConvolution(graph, weights, name, value);
      if (name !== last) value = addRelu(graph, name, value);
    }
  }
  addOutput(graph, 'picture', value, 'float32', ['N', 3, 'H', 'W']);
  return modelOf(graph);
}

/** With reflection padding, save for the 1×1 kernel that needs none. */
function addConvolution(graph: Graph, weights: Weights, name: string, input: Value): Value {
  const kernel = addWeights(graph, weights, `${name}.weight`);
  const bias = addWeights(graph, weights, `${name}.bias`);
  if (name === 'conv0') return addNode(graph, 'Conv', name, [input, kernel, bias]);
  const pads = addIntegers(graph, `${name}/pads`, [0, 0, 1, 1, 0, 0, 1, 1]);
  const padded = addNode(graph, 'Pad', `${name}/padded`, [input, pads], { mode: 'reflect' });
  return addNode(graph, 'Conv', name, [padded, kernel, bias]);
}

function addRelu(graph: Graph, name: string, input: Value): Value {
  return addNode(graph, 'Relu', `${name}/relu`, [input]);
}

/** Every pixel twice in each direction. */
function addDoubled(graph: Graph, name: string, input: Value): Value {
  const scales = addFloats(graph, `${name}/scales`, [1, 1, 2, 2]);
  return addNode(graph, 'Resize', name, [input, '', scales], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });
}

function addWeights(graph: Graph, weights: Weights, name: string): Value {
  const array = weights.get(name);
  if (!array) throw new Error(`the archive has no ${name}`);
  const { shape, bytes } = array;
  const tensor = { name, dataType: DataType.FLOAT, dims: shape.map(BigInt), rawData: bytes };
  graph.initializers.push(create(TensorProtoSchema, tensor));
  return name;
}

function modelOf({ nodes, initializers, inputs, outputs }: Graph): ModelProto {
  const graph = { node: nodes, initializer: initializers, input: inputs, output: outputs };
  return create(ModelProtoSchema, { graph });
}
