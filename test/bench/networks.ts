/** The networks that are compared: the parts of the engine's graphs, and how pictures are padded. */
import { usableCores } from '../../src/engine/devices/cores.ts';
import type { RunLayout } from '../../src/engine/inference/feeds.ts';
import type { Parts } from '../../src/engine/model/graph/graphs.ts';
import { loadModel, partsOf } from '../../src/engine/model/model.ts';
import type { Placement } from '../../src/engine/devices/placement.ts';
import { modelsDir } from '../engine/helpers.ts';

export type Networks = Parts & RunLayout;

/** The CPU as the server uses it by default. */
export const allCores: Placement = {
  provider: 'cpu',
  ordinal: 0,
  threads: usableCores(),
  precision: 'float32',
};

/** Ours, from models/. */
export async function ourNetworks(): Promise<Networks> {
  const model = await loadModel(modelsDir);
  return { ...model, ...partsOf(model), batch: 1 };
}
