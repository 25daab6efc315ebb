/**
 * The graphs that the engine runs, composed from the encoder, AdaIN and the decoder. `pixels` are a
 * canvas or a tile of one, uint8 [N, H, W, 3]; statistics are float32 [N, 2, C], μ before σ.
 * Nothing here computes with shapes: such nodes would be kept on the CPU beside a GPU.
 */
import {
  addAdain,
  addAdainByPlace,
  addMoments,
  addPacked,
  addStatistics,
  addUnpacked,
} from './adain.ts';
import type { Statistics } from './adain.ts';
import { addInput, addNode, addOutput, emptyGraph } from './builder.ts';
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

/**
 * One picture in several styles by place, whole or a tile: `shares` float32 [1, K, h, w] of the K
 * styles whose statistics are given. Where `is-tile`, uint8 [1], is 1 the content's statistics are
 * `content`, else those of the features `inside`.
 */
export function maskedStylizeGraph(parts: Parts): Graph {
  const graph = emptyGraph('masked-stylize');
  const pixels = addInput(graph, 'pixels', 'uint8', [1, 'H', 'W', 3]);
  const inside = addWindow(graph, 'inside');
  const content = addInput(graph, 'content', 'float32', [1, 2, parts.channels]);
  const isTile = addInput(graph, 'is-tile', 'uint8', [1]);
  const statistics = addInput(graph, 'statistics', 'float32', ['K', 2, parts.channels]);
  const shares = addInput(graph, 'shares', 'float32', [1, 'K', 'rows', 'columns']);

  const features = addEncoder(graph, parts, addPlanes(graph, 'planes', pixels));
  const seen = addCrop(graph, 'seen', features, inside);
  const own = addEither(
    graph,
    isTile,
    addUnpacked(graph, 'content-own', content),
    addStatistics(graph, 'own', seen, parts.epsilon),
  );
  const styles = addUnpacked(graph, 'styles', statistics);
  addPixelsOf(graph, parts, addAdainByPlace(graph, 'adain', features, own, styles, shares));
  return graph;
}

/** Statistics for where a flag is 1, and for where it is 0. @param flag uint8 [1] */
function addEither(graph: Graph, flag: Value, yes: Statistics, no: Statistics): Statistics {
  const bool = 9; // TensorProto.DataType.BOOL
  const condition = addNode(graph, 'Cast', `${flag}/flag`, [flag], { to: bool });
  const either = (part: keyof Statistics) =>
    addNode(graph, 'Where', `${flag}/${part}`, [condition, yes[part], no[part]]);
  return { mean: either('mean'), deviation: either('deviation') };
}

/** From features with their statistics to pixels in a style. */
function addPainted(graph: Graph, parts: Parts, features: Value, own: Statistics): void {
  const statistics = addInput(graph, 'statistics', 'float32', ['N', 2, parts.channels]);
  const alpha = addInput(graph, 'alpha', 'float32', ['N']);

  const style = addUnpacked(graph, 'style', statistics);
  addPixelsOf(graph, parts, addAdain(graph, 'adain', features, own, style, alpha));
}

/** From features to the `crop` of the pixels that the decoder paints of them. */
function addPixelsOf(graph: Graph, parts: Parts, features: Value): void {
  const crop = addWindow(graph, 'crop');
  const planes = addCrop(graph, 'cropped', addDecoder(graph, parts, features), crop);
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
