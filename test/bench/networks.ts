/** The networks that are compared, as the parts that the engine's graphs are made of. */
import { usableCores } from '../../src/engine/cores.ts';
import type { Parts } from '../../src/engine/graph/graphs.ts';
import { loadModel, parsePart } from '../../src/engine/model.ts';
import type { Placement } from '../../src/engine/runtime.ts';
import { modelsDir } from '../engine/helpers.ts';

/** The CPU as the server uses it by default. */
export const allCores: Placement = { provider: 'cpu', ordinal: 0, threads: usableCores() };

/** Ours, from models/. */
export async function ourParts(): Promise<Parts> {
  const model = await loadModel(modelsDir);
  return {
    ...model,
    encoder: parsePart('encoder.onnx', model.encoder, 'picture', 'features'),
    decoder: parsePart('decoder.onnx', model.decoder, 'features', 'picture'),
  };
}
