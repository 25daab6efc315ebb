/**
 * The graphs that the engine runs, composed from the encoder, AdaIN and the decoder. Pixels are
 * uint8 [N, H, W, 3]; statistics are float32 [N, 2, C], μ before σ.
 */
import type { onnx } from 'onnx-proto';
import { addAdain, addMoments, addPacked, addStatistics, addUnpacked } from './adain.ts';
import { addInput, addIntegers, addNode, addOutput, emptyGraph } from './builder.ts';
import type { Graph, Value } from './builder.ts';
import { inline } from './inline.ts';
import { addCanvas, addCrop, addPixels, addPlanes } from './picture.ts';

export interface Parts {
  readonly encoder: onnx.IModelProto;
  readonly decoder: onnx.IModelProto;
  /** C of the features. */
  readonly channels: number;
  /** Pixels to one step of the features; sides of the canvas are multiples of it. */
  readonly stride: number;
  /** Pixels that the picture is padded by on every side. */
  readonly margin: number;
  /** ε of σ = sqrt(variance + ε). */
  readonly epsilon: number;
}

const pixelShape = ['N', 'H', 'W', 3];

/** A picture with sides of at least 16 → its statistics. */
export function describeGraph(parts: Parts): Graph {
  const graph = emptyGraph('describe');
  const pixels = addInput(graph, 'pixels', 'uint8', pixelShape);

  const features = addEncoder(graph, parts, addPaddedPlanes(graph, parts, pixels));
  const inside = addInside(graph, 'inside', parts, features, pixels);
  const { mean, deviation } = addStatistics(graph, 'moments', inside, parts.epsilon);
  const packed = addPacked(graph, 'packed', mean, deviation);
  addOutput(graph, 'statistics', packed, 'float32', ['N', 2, parts.channels]);
  return graph;
}

/** A picture with sides of at least 16, a style's statistics and alpha [N] → T(c, s, α). */
export function stylizeGraph(parts: Parts): Graph {
  const graph = emptyGraph('stylize');
  const pixels = addInput(graph, 'pixels', 'uint8', pixelShape);
  const statistics = addInput(graph, 'statistics', 'float32', ['N', 2, parts.channels]);
  const alpha = addInput(graph, 'alpha', 'float32', ['N']);

  const features = addEncoder(graph, parts, addPaddedPlanes(graph, parts, pixels));
  const inside = addInside(graph, 'inside', parts, features, pixels);
  const content = addStatistics(graph, 'content', inside, parts.epsilon);
  const style = addUnpacked(graph, 'style', statistics);
  const target = addAdain(graph, 'adain', features, content, style, alpha);
  const picture = addDecoder(graph, parts, target);

  const starts = addIntegers(graph, 'crop/starts', [parts.margin, parts.margin]);
  const size = addNode(graph, 'Shape', 'crop/size', [pixels], { start: 1, end: 3 });
  const ends = addNode(graph, 'Add', 'crop/ends', [size, starts]);
  const cropped = addCrop(graph, 'crop', picture, starts, ends);
  addOutput(graph, 'painted', addPixels(graph, 'bytes', cropped), 'uint8', pixelShape);
  return graph;
}

/**
 * A tile of the canvas and a window of its features → mean and population variance there.
 * `starts` and `ends` are int64 [2], rows and columns of the features.
 */
export function tileMomentsGraph(parts: Parts): Graph {
  const graph = emptyGraph('tile-moments');
  const pixels = addInput(graph, 'pixels', 'uint8', pixelShape);
  const starts = addInput(graph, 'starts', 'int64', [2]);
  const ends = addInput(graph, 'ends', 'int64', [2]);

  const features = addEncoder(graph, parts, addPlanes(graph, 'planes', pixels));
  const window = addCrop(graph, 'window', features, starts, ends);
  const { mean, variance } = addMoments(graph, 'window', window);
  const packed = addPacked(graph, 'packed', mean, variance);
  addOutput(graph, 'moments', packed, 'float32', ['N', 2, parts.channels]);
  return graph;
}

/**
 * A tile of the canvas, statistics of the whole content, a style and alpha → painted window.
 * `starts` and `ends` are int64 [2], rows and columns of the tile's pixels.
 */
export function tileStylizeGraph(parts: Parts): Graph {
  const graph = emptyGraph('tile-stylize');
  const statisticsShape = ['N', 2, parts.channels];
  const pixels = addInput(graph, 'pixels', 'uint8', pixelShape);
  const content = addInput(graph, 'content', 'float32', statisticsShape);
  const statistics = addInput(graph, 'statistics', 'float32', statisticsShape);
  const alpha = addInput(graph, 'alpha', 'float32', ['N']);
  const starts = addInput(graph, 'starts', 'int64', [2]);
  const ends = addInput(graph, 'ends', 'int64', [2]);

  const features = addEncoder(graph, parts, addPlanes(graph, 'planes', pixels));
  const whole = addUnpacked(graph, 'whole', content);
  const style = addUnpacked(graph, 'style', statistics);
  const target = addAdain(graph, 'adain', features, whole, style, alpha);
  const window = addCrop(graph, 'window', addDecoder(graph, parts, target), starts, ends);
  addOutput(graph, 'painted', addPixels(graph, 'bytes', window), 'uint8', ['N', 'h', 'w', 3]);
  return graph;
}

function addPaddedPlanes(graph: Graph, { margin, stride }: Parts, pixels: Value): Value {
  return addPlanes(graph, 'planes', addCanvas(graph, 'canvas', pixels, margin, stride));
}

/**
 * The features that lie on the picture. Statistics are taken of them alone: those of the margin
 * would count the borders twice, and the networks' zero padding reaches into it.
 */
function addInside(
  graph: Graph,
  name: string,
  { margin, stride }: Parts,
  features: Value,
  pixels: Value,
): Value {
  const first = margin / stride;
  const starts = addIntegers(graph, `${name}/starts`, [first, first]);
  const size = addNode(graph, 'Shape', `${name}/size`, [pixels], { start: 1, end: 3 });
  const one = addIntegers(graph, `${name}/1`, 1);
  const step = addIntegers(graph, `${name}/stride`, stride);
  // ⌈size / stride⌉ = (size − 1) div stride + 1
  const before = addNode(graph, 'Sub', `${name}/before`, [size, one]);
  const whole = addNode(graph, 'Div', `${name}/whole`, [before, step]);
  const count = addNode(graph, 'Add', `${name}/count`, [whole, one]);
  const ends = addNode(graph, 'Add', `${name}/ends`, [starts, count]);
  return addCrop(graph, name, features, starts, ends);
}

function addEncoder(graph: Graph, { encoder }: Parts, picture: Value): Value {
  const { features = '' } = inline(graph, encoder, 'encoder', { picture });
  return features;
}

function addDecoder(graph: Graph, { decoder }: Parts, features: Value): Value {
  const { picture = '' } = inline(graph, decoder, 'decoder', { features });
  return picture;
}
