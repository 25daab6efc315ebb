import {
  addInput,
  addOutput,
  emptyGraph,
  serialize,
} from '../../src/engine/model/graph/builder.ts';
import type { ElementType, Graph, Shape, Value } from '../../src/engine/model/graph/builder.ts';
import { plain } from '../../src/engine/inference/feeds.ts';
import { createSession } from '../../src/engine/inference/onnxruntime.ts';
import type { Placement } from '../../src/engine/devices/placement.ts';
import type { Tensor } from '../../src/engine/inference/onnxruntime.ts';
import { createExecutor } from '../../src/engine/inference/executor.ts';
import { layoutOf } from '../../src/engine/tiling/layout.ts';
import type { Layout } from '../../src/engine/tiling/layout.ts';
import { planPicture, planTiled } from '../../src/engine/tiling/plan.ts';
import type { Model } from '../../src/engine/model/model.ts';
import type { Engine, StylizeInput, WorkOptions } from '../../src/engine/types.ts';
import type { RgbImage } from '../../src/rgb-image.ts';

export const modelsDir = new URL('../../models', import.meta.url).pathname;
export const cpu: Placement = { provider: 'cpu', ordinal: 0, threads: 1, precision: 'float32' };

/** Any shape, tiles of at most `tilePixels`. */
export function anyShape(model: Model, tilePixels = 2 ** 20) {
  return layoutOf(model, cpu, { tilePixels, maxBatch: 1 });
}

/** Numbers in [0, 1) from a seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A picture of soft waves with some grain: structure for the networks, and no two alike. */
export function testPicture(width: number, height: number, seed = 1): RgbImage {
  const random = randomNumbers(seed);
  const [p, q, r] = [random() * 9, random() * 9, random() * 9];
  const data = new Uint8Array(3 * width * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (const phase of [p, q, r]) {
        const wave = Math.sin(x / (7 + phase) + phase) + Math.cos(y / (5 + phase) - phase);
        data[i++] = 127 + 50 * wave + 24 * (random() - 0.5);
      }
    }
  }
  return { width, height, data };
}

/** A reservation and the picture for it at once. */
export function stylize(engine: Engine, input: StylizeInput, options: WorkOptions = {}) {
  const { width, height } = input.image;
  return engine.stylize({ size: { width, height } }, options, () => Promise.resolve(input));
}

/** An executor that plans for itself. */
export async function createPlanningExecutor(model: Model, placement: Placement, layout: Layout) {
  const executor = await createExecutor(model, placement, layout);
  const plan = ([first]: readonly RgbImage[]) => planPicture(first as RgbImage, layout);
  return {
    executor,
    describe: (images: readonly RgbImage[]) => executor.describe(plan(images), images.map(plain)),
    stylize: (inputs: readonly StylizeInput[]) =>
      executor.stylize(plan(inputs.map(({ image }) => image)), inputs),
    stylizeTiled: (input: StylizeInput) =>
      executor.stylizeTiled(planTiled(input.image, layout), input),
    release: () => executor.release(),
  };
}

export function copyOf({ width, height, data }: RgbImage): RgbImage {
  return { width, height, data: data.slice() };
}

export function float32(values: ArrayLike<number>, dims: number[]): Tensor {
  return { type: 'float32', data: Float32Array.from(values), dims };
}

/** Runs a graph made of a few nodes: declares the inputs, lets `body` write, returns the output. */
export async function runNodes(
  inputs: Readonly<Record<string, Tensor>>,
  body: (graph: Graph, values: Readonly<Record<string, Value>>) => Value,
  output: { type: ElementType; shape: Shape } = { type: 'float32', shape: [] },
): Promise<Tensor> {
  const graph = emptyGraph('test');
  const values: Record<string, Value> = {};
  for (const [name, { type, dims }] of Object.entries(inputs)) {
    values[name] = addInput(graph, name, type, dims);
  }
  addOutput(graph, 'output', body(graph, values), output.type, output.shape);
  const session = await createSession(serialize(graph), cpu);
  try {
    return await session.run(inputs);
  } finally {
    await session.release();
  }
}

/** The largest |a − b|, relative to the largest |b|. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let error = 0;
  let scale = 0;
  for (let i = 0; i < b.length; i++) {
    error = Math.max(error, Math.abs((a[i] ?? NaN) - (b[i] ?? NaN)));
    scale = Math.max(scale, Math.abs(b[i] ?? NaN));
  }
  return error / scale;
}

/** The share of values that differ by at most `by`, and the largest difference. */
export function closeness(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  by = 1,
): { share: number; largest: number } {
  let close = 0;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs((a[i] ?? NaN) - (b[i] ?? NaN));
    if (difference <= by) close++;
    largest = Math.max(largest, difference);
  }
  return { share: a.length === b.length ? close / b.length : 0, largest };
}
