/**
 * The graphs that the engine runs, composed from the encoder, AdaIN and the decoder. Pixels are
 * uint8 [N, H, W, 3] with sides of at least 16; statistics are float32 [N, 2, C], μ before σ.
 */
import type { onnx } from 'onnx-proto';
import { addAdain, addPacked, addStatistics, addUnpacked } from './adain.ts';
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

/** pixels → statistics. */
export function describeGraph(parts: Parts): Graph {
  const graph = emptyGraph('describe');
  const pixels = addInput(graph, 'pixels', 'uint8', ['N', 'H', 'W', 3]);
  const features = addEncoder(graph, parts, pixels);
  const { mean, deviation } = addStatistics(graph, 'statistics-of', features, parts.epsilon);
  const packed = addPacked(graph, 'packed', mean, deviation);
  addOutput(graph, 'statistics', packed, 'float32', ['N', 2, parts.channels]);
  return graph;
}

/** pixels, statistics, alpha [N] → painted: the same size, T(c, s, α) of the paper. */
export function stylizeGraph(parts: Parts): Graph {
  const graph = emptyGraph('stylize');
  const pixels = addInput(graph, 'pixels', 'uint8', ['N', 'H', 'W', 3]);
  const statistics = addInput(graph, 'statistics', 'float32', ['N', 2, parts.channels]);
  const alpha = addInput(graph, 'alpha', 'float32', ['N']);

  const features = addEncoder(graph, parts, pixels);
  const content = addStatistics(graph, 'content', features, parts.epsilon);
  const style = addUnpacked(graph, 'style', statistics);
  const target = addAdain(graph, 'adain', features, content, style, alpha);
  const { picture = '' } = inline(graph, parts.decoder, 'decoder', { features: target });

  const starts = addIntegers(graph, 'crop/starts', [parts.margin, parts.margin]);
  const size = addNode(graph, 'Shape', 'crop/size', [pixels], { start: 1, end: 3 });
  const ends = addNode(graph, 'Add', 'crop/ends', [size, starts]);
  const cropped = addCrop(graph, 'crop', picture, starts, ends);
  addOutput(graph, 'painted', addPixels(graph, 'bytes', cropped), 'uint8', ['N', 'H', 'W', 3]);
  return graph;
}

function addEncoder(graph: Graph, parts: Parts, pixels: Value): Value {
  const planes = addPlanes(graph, 'planes', pixels);
  const canvas = addCanvas(graph, 'canvas', planes, parts.margin, parts.stride);
  const { features = '' } = inline(graph, parts.encoder, 'encoder', { picture: canvas });
  return features;
}
