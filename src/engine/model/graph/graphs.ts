/**
 * The graphs that the engine runs, composed from the encoder, AdaIN and the decoder. `pixels` are a
 * canvas or a tile of one, uint8 [N, H, W, 3]; statistics are float32 [N, 2, C], μ before σ.
 * Nothing here computes with shapes: such nodes would be kept on the CPU beside a GPU.
 */
import { addAdain, addMoments, addPacked, addStatistics, addUnpacked } from './adain.ts';
import type { Statistics } from './adain.ts';
import { addInput, addOutput, emptyGraph } from './builder.ts';
import type { Graph, Value } from './builder.ts';
import { inline } from './inline.ts';
import type { ModelProto } from './onnx/onnx_pb.ts';
import { addCrop, addPixels, addPlanes, addWindow } from './picture.ts';

export interface Parts {
  readonly encoder: ModelProto;
  readonly decoder: ModelProto;
  /** C of the features. */
  readonly channels: number;
  /** ε of σ = sqrt(variance + ε). */
  readonly epsilon: number;
}

const pixelShape = ['N', 'H', 'W', 3];

/** Mean and population variance of the features `inside`: of a style, or of a tile of a content. */
export function momentsGraph(parts: Parts): Graph {
  const graph = emptyGraph('moments');
  const pixels = addInput(graph, 'pixels', 'uint8', pixelShape);
  const inside = addWindow(graph, 'inside');

  const features = addEncoder(graph, parts, addPlanes(graph, 'planes', pixels));
  const { mean, variance } = addMoments(graph, 'moments', addCrop(graph, 'seen', features, inside));
  const packed = addPacked(graph, 'packed', mean, variance);
  addOutput(graph, 'statistics', packed, 'float32', ['N', 2, parts.channels]);
  return graph;
}

/**
 * T(c, s, α): contents, of which the features `inside` count, a style's statistics and alpha [N]
 * → the `crop` of what is painted.
 */
export function stylizeGraph(parts: Parts): Graph {
  const graph = emptyGraph('stylize');
  const pixels = addInput(graph, 'pixels', 'uint8', pixelShape);
  const inside = addWindow(graph, 'inside');

  const features = addEncoder(graph, parts, addPlanes(graph, 'planes', pixels));
  const seen = addCrop(graph, 'seen', features, inside);
  addPainted(graph, parts, features, addStatistics(graph, 'own', seen, parts.epsilon));
  return graph;
}

/** The same for a tile: `content` are the statistics of the whole picture. */
export function tileStylizeGraph(parts: Parts): Graph {
  const graph = emptyGraph('tile-stylize');
  const pixels = addInput(graph, 'pixels', 'uint8', pixelShape);
  const content = addInput(graph, 'content', 'float32', ['N', 2, parts.channels]);

  const features = addEncoder(graph, parts, addPlanes(graph, 'planes', pixels));
  addPainted(graph, parts, features, addUnpacked(graph, 'own', content));
  return graph;
}

/** From features with their statistics to pixels in a style. */
function addPainted(graph: Graph, parts: Parts, features: Value, own: Statistics): void {
  const statistics = addInput(graph, 'statistics', 'float32', ['N', 2, parts.channels]);
  const alpha = addInput(graph, 'alpha', 'float32', ['N']);
  const crop = addWindow(graph, 'crop');

  const style = addUnpacked(graph, 'style', statistics);
  const target = addAdain(graph, 'adain', features, own, style, alpha);
  const planes = addCrop(graph, 'cropped', addDecoder(graph, parts, target), crop);
  addOutput(graph, 'painted', addPixels(graph, 'bytes', planes), 'uint8', ['N', 'h', 'w', 3]);
}

function addEncoder(graph: Graph, { encoder }: Parts, picture: Value): Value {
  const { features = '' } = inline(graph, encoder, 'encoder', { picture });
  return features;
}

function addDecoder(graph: Graph, { decoder }: Parts, features: Value): Value {
  const { picture = '' } = inline(graph, decoder, 'decoder', { features });
  return picture;
}
