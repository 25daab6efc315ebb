/**
 * Whether a model's folder holds what model.json promises. Everything that computes runs in
 * onnxruntime through the service's own graphs, from pixels to pixels, so a pass says that the
 * service paints what PyTorch painted at the export, not only that the files are the same.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createExecutor } from '../../src/engine/inference/executor.ts';
import { plain } from '../../src/engine/inference/feeds.ts';
import type { Executor } from '../../src/engine/inference/executor.ts';
import { layoutOf } from '../../src/engine/tiling/layout.ts';
import { planTiled, planWhole } from '../../src/engine/tiling/plan.ts';
import { loadModel, partsOf } from '../../src/engine/model/model.ts';
import type { Model } from '../../src/engine/model/model.ts';
import { createSession } from '../../src/engine/inference/onnxruntime.ts';
import type { Placement } from '../../src/engine/devices/placement.ts';
import type { Tensor } from '../../src/engine/inference/onnxruntime.ts';
import type { ModelProto } from '../../src/engine/model/graph/onnx/onnx_pb.ts';
import type { StyleStatistics } from '../../src/engine/types.ts';
import { smallestSide, type RgbImage } from '../../src/rgb-image.ts';
import { readDescribed } from '../../src/stylization/described-file.ts';
import { shippedFile } from '../../src/stylization/presets.ts';
import { readGolden } from './golden.ts';
import { describedBy, describePresets } from './presets.ts';

export interface Check {
  readonly name: string;
  readonly passed: boolean;
  /** What was found, or what is wrong. */
  readonly says: string;
}

/** Statistics: the largest difference, relative to the largest value. Kernels differ in rounding. */
const statisticsTolerance = 1e-4;
/** Pixels: none further off than one level of 255, and this share exact. */
const exactShare = 0.98;

export const cpu: Placement = { provider: 'cpu', ordinal: 0, threads: 1, precision: 'float32' };

/** Checks one thing after another; what cannot be read or made ends it. */
export async function* verifyModel(folder: string): AsyncGenerator<Check, void, undefined> {
  const loading = await attempt('files', async () => {
    const model = await loadModel(folder);
    return { says: 'encoder.onnx and decoder.onnx are those of model.json (sha256)', model };
  });
  yield loading.check;
  if (!loading.found) return;
  const { model } = loading.found;
  const { encoder, decoder } = partsOf(model);

  yield (await attempt('tensors', () => checkTensors(model, encoder, decoder))).check;
  yield (await attempt('parameters', () => checkParameters(model, [encoder, decoder]))).check;
  yield (await attempt('stride', () => checkStride(model))).check;

  const making = await attempt('graphs', async () => {
    const executor = await createExecutor(model, cpu, layoutFor(model));
    return { says: 'describe, stylize and tiles can be composed', executor };
  });
  yield making.check;
  if (!making.found) return;
  const { executor } = making.found;
  try {
    yield (await attempt('sizes', () => checkSizes(model, executor))).check;
    yield (await attempt('tiles', () => checkTiles(model, executor))).check;

    const reading = await attempt('golden files', async () => {
      const golden = await readGolden(join(folder, 'golden'));
      return { says: 'golden.json and its tensors', golden };
    });
    yield reading.check;
    if (!reading.found) return;
    const { content, style, statistics, result, half } = reading.found.golden;
    const painted = (image: RgbImage, alpha: number) => async () => {
      const found = await stylize(model, executor, content, statistics, alpha);
      return { says: comparePixels(found, image) };
    };
    const describing = async () => {
      return { says: compareStatistics(await describe(model, executor, style), statistics) };
    };
    yield (await attempt('golden statistics', describing)).check;
    yield (await attempt('golden result', painted(result, 1))).check;
    yield (await attempt('golden half', painted(half, 0.5))).check;
    yield (await attempt('presets', () => checkPresets(model, executor, folder))).check;
  } finally {
    await executor.release();
  }
}

interface Finding {
  readonly says: string;
}

async function attempt<T extends Finding>(
  name: string,
  examine: () => T | Promise<T>,
): Promise<{ check: Check; found?: T }> {
  try {
    const found = await examine();
    return { check: { name, passed: true, says: found.says }, found };
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    return { check: { name, passed: false, says } };
  }
}

function checkTensors({ channels }: Model, encoder: ModelProto, decoder: ModelProto): Finding {
  const expected = { 'encoder.onnx': [3, channels], 'decoder.onnx': [channels, 3] };
  const found = { 'encoder.onnx': channelsOf(encoder), 'decoder.onnx': channelsOf(decoder) };
  for (const [file, wanted] of Object.entries(expected)) {
    const actual = found[file as keyof typeof found];
    if (String(actual) !== String(wanted)) {
      const say = ([from, to]: number[]) => `${from} channels to ${to}`;
      throw new Error(`${file} maps ${say(actual)}, and model.json says ${say(wanted)}`);
    }
  }
  return { says: `picture [N, 3, H, W] ↔ features [N, ${channels}, h, w], float32` };
}

/** Channels of the only input and of the only output; 0 where they are not fixed. */
function channelsOf({ graph }: ModelProto): number[] {
  return [graph?.input[0], graph?.output[0]].map((value) => {
    const size = value?.type?.tensorType?.shape?.dim[1]?.value;
    return size?.case === 'dimValue' ? Number(size.value) : 0;
  });
}

function checkParameters({ info }: Model, parts: readonly ModelProto[]): Finding {
  const found = parts
    .flatMap(({ graph }) => graph?.initializer ?? [])
    .map(({ dims }) => dims.reduce((product, side) => product * Number(side), 1))
    .reduce((sum, size) => sum + size, 0);
  if (found !== info.parameters) {
    throw new Error(`the weights hold ${found} numbers, and model.json says ${info.parameters}`);
  }
  return { says: `${found} in both networks` };
}

/** Both networks alone, on a batch whose height and width differ. */
async function checkStride({
  encoder,
  decoder,
  channels,
  stride,
  encoderMargin,
}: Model): Promise<Finding> {
  const run = async (model: Uint8Array, name: string, dims: number[]): Promise<Tensor> => {
    const session = await createSession(model, cpu);
    const size = dims.reduce((product, side) => product * side, 1);
    const data = Float32Array.from({ length: size }, (_, i) => 0.5 + 0.5 * Math.sin(i));
    try {
      return await session.run({ [name]: { type: 'float32', data, dims } });
    } finally {
      await session.release();
    }
  };
  const expect = (file: string, { dims }: Tensor, given: number[], wanted: number[]) => {
    if (String(dims) !== String(wanted)) {
      throw new Error(
        `${file} makes [${String(dims)}] of [${String(given)}], and stride ${stride} and encoderMargin ${encoderMargin} in model.json say [${String(wanted)}]`,
      );
    }
  };
  const [height, width] = [4 * stride, 6 * stride];
  const canvas = [2, 3, height + 2 * encoderMargin, width + 2 * encoderMargin];
  const features = [2, channels, 4, 6];
  expect('encoder.onnx', await run(encoder, 'picture', canvas), canvas, features);
  expect('decoder.onnx', await run(decoder, 'features', features), features, [2, 3, height, width]);
  return { says: `${stride} pixels to one step of the features` };
}

async function checkSizes(model: Model, executor: Executor): Promise<Finding> {
  const { channels } = model;
  const sizes = [
    [smallestSide, smallestSide],
    [17, 23],
    [71, 16],
    [33, 65],
  ] as const;
  for (const [width, height] of sizes) {
    const name = `a picture of ${width} × ${height}`;
    const image = syntheticPicture(width, height);
    const statistics = await describe(model, executor, image);
    if (statistics.length !== 2 * channels || !statistics.every(Number.isFinite)) {
      throw new Error(`${name} has statistics that are not 2 × ${channels} finite numbers`);
    }
    const painted = await stylize(model, executor, image, statistics, 1);
    if (painted.data.length !== image.data.length) throw new Error(`${name} changes its size`);
  }
  return { says: sizes.map((size) => size.join(' × ')).join(', ') };
}

function haloOf({ encoderMargin, decoderHalo }: Model): number {
  return encoderMargin + decoderHalo;
}

export function layoutFor(model: Model) {
  return layoutOf(model, cpu, { tilePixels: tileSide(model) ** 2, maxBatch: 1 });
}

/** Small, but with room between the halos. */
function tileSide(model: Model): number {
  return 2 * haloOf(model) + 12 * model.stride;
}

/** The halos that model.json promises: a picture in tiles equals the picture in one pass. */
async function checkTiles(model: Model, executor: Executor): Promise<Finding> {
  const side = tileSide(model);
  const image = syntheticPicture(side, side); // with its margin wider than one tile
  const statistics = await describe(model, executor, syntheticPicture(48, 40));
  const whole = await stylize(model, executor, image, statistics, 1);

  const input = { image, statistics, alpha: 1, color: 'style' as const };
  const stylization = executor.stylizeTiled(planTiled(image, layoutFor(model)), input);
  let step = await stylization.next();
  while (!step.done) step = await stylization.next();
  return { says: `halo ${haloOf(model)}, one pass and tiles: ${comparePixels(step.value, whole)}` };
}

/** What the service takes for the statistics of its presets, so that it need not describe them. */
async function checkPresets(model: Model, executor: Executor, folder: string): Promise<Finding> {
  const styles = join(folder, 'styles');
  if (!existsSync(styles)) return { says: 'there are none' };
  const path = join(styles, shippedFile);
  const remedy = 'npm run styles:describe makes it anew';
  const kept = await readDescribed(path, describedBy(model), 2 * model.channels).catch(
    (cause: unknown) => {
      throw new Error(`${path} is stale (${(cause as Error).message}): ${remedy}`, { cause });
    },
  );
  const found = await describePresets(model, executor, styles);
  const digests = (pictures: typeof found) => pictures.map(({ digest }) => digest).join();
  if (digests(found) !== digests(kept)) {
    throw new Error(`${path} is of other pictures than those beside it: ${remedy}`);
  }
  for (const [i, { statistics }] of found.entries()) {
    compareStatistics(statistics, kept[i]?.statistics ?? new Float32Array());
  }
  const within = statisticsTolerance.toExponential();
  return { says: `${found.length} are as ${shippedFile} has them, within ${within}` };
}

async function describe(
  model: Model,
  executor: Executor,
  image: RgbImage,
): Promise<StyleStatistics> {
  const [statistics] = await executor.describe(planWhole(image, model), [plain(image)]);
  return statistics as StyleStatistics;
}

async function stylize(
  model: Model,
  executor: Executor,
  image: RgbImage,
  statistics: StyleStatistics,
  alpha: number,
): Promise<RgbImage> {
  const input = { image, statistics, alpha, color: 'style' as const };
  const [painted] = await executor.stylize(planWhole(image, model), [input]);
  return painted as RgbImage;
}

/** @throws Error when the tolerance is not met */
function compareStatistics(found: StyleStatistics, expected: StyleStatistics): string {
  const largest = Math.max(...expected.map(Math.abs));
  const error = Math.max(...expected.map((value, i) => Math.abs(value - (found[i] ?? NaN))));
  const says = `relative error ${(error / largest).toExponential(1)}`;
  if (found.length !== expected.length) {
    throw new Error(`${found.length} numbers instead of ${expected.length}`);
  }
  if (!(error <= statisticsTolerance * largest)) {
    throw new Error(`${says}, and at most ${statisticsTolerance.toExponential()} is allowed`);
  }
  return says;
}

/** @throws Error when the tolerance is not met */
function comparePixels(found: RgbImage, expected: RgbImage): string {
  if (found.width !== expected.width || found.height !== expected.height) {
    throw new Error(
      `${found.width} × ${found.height} pixels instead of ${expected.width} × ${expected.height}`,
    );
  }
  const gaps = expected.data.map((value, i) => Math.abs(value - (found.data[i] ?? NaN)));
  const largest = gaps.reduce((a, b) => Math.max(a, b), 0);
  const exact = gaps.filter((gap) => gap === 0).length / gaps.length;
  const says = `largest difference ${largest} of 255, ${(100 * exact).toFixed(2)} % exact`;
  if (largest > 1 || exact < exactShare) {
    throw new Error(`${says}, and at most 1 and at least ${100 * exactShare} % are allowed`);
  }
  return says;
}

/** Waves, other ones in each colour. */
function syntheticPicture(width: number, height: number): RgbImage {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const [color, x, y] = [i % 3, Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return 128 + 80 * Math.sin(x / (3 + 2 * color)) + 40 * Math.cos((y + x * color) / 7);
  });
  return { width, height, data };
}
