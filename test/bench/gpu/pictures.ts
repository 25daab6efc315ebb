/** Pictures of the device against those of the CPU, in the same graphs on the same canvases. */
import { createExecutor } from '../../../src/engine/inference/executor.ts';
import type { Executor } from '../../../src/engine/inference/executor.ts';
import { plain } from '../../../src/engine/inference/feeds.ts';
import { loadModel } from '../../../src/engine/model/model.ts';
import { planPicture } from '../../../src/engine/tiling/plan.ts';
import { area } from '../../../src/engine/tiling/rectangle.ts';
import type { StyleStatistics } from '../../../src/engine/index.ts';
import type { RgbImage } from '../../../src/rgb-image.ts';
import { copyOf, modelsDir } from '../../engine/helpers.ts';
import { difference } from '../measure.ts';
import { allCores } from '../networks.ts';
import { pixelsOf } from '../pictures.ts';
import { canvasesOf, placementOn } from './device.ts';
import { readSettings, say } from './part.ts';

interface Case {
  readonly width: number;
  readonly height: number;
  /** Two are blended, or lie side by side. */
  readonly styles: readonly [string, string?];
  readonly alpha?: number;
  readonly byPlace?: boolean;
}

const cases: readonly Case[] = [
  { width: 256, height: 256, styles: ['mosaic'] },
  { width: 512, height: 512, styles: ['swirling-night'] },
  { width: 512, height: 384, styles: ['stained-glass'], alpha: 0.5 },
  { width: 200, height: 150, styles: ['great-wave'], alpha: 0 },
  { width: 1024, height: 1024, styles: ['woodcut'] },
  { width: 512, height: 512, styles: ['watercolour', 'pop-dots'] },
  { width: 400, height: 512, styles: ['cubist', 'marbling'], byPlace: true },
  { width: 1600, height: 1200, styles: ['pointillism'] },
];

const { device } = readSettings();
const strict = process.env['NVIDIA_TF32_OVERRIDE'] === '0';
const model = await loadModel(modelsDir);
const layout = canvasesOf(model);
const placements = (strict ? ['float32'] : ['float16', 'float32']).map((precision) =>
  placementOn(device, precision as 'float16' | 'float32'),
);
const names = [...new Set(cases.flatMap(({ styles }) => styles))] as string[];
const contents = await Promise.all(
  cases.map(({ width, height }) => pixelsOf('examples/lake.jpg', width, height)),
);
const pictures = await Promise.all(names.map((name) => pixelsOf(`styles/${name}.jpg`, 512, 512)));

const expected = await paintAll(await createExecutor(model, allCores, layout));
for (const placement of placements) {
  const found = paintAllOn(await createExecutor(model, placement, layout));
  for await (const { name, image, statistics } of found) {
    const wanted = expected.get(name);
    if (!wanted) throw new Error('unreachable');
    const precision = strict ? `${placement.precision}, no TF32` : placement.precision;
    say('Against the CPU, same canvases', {
      precision,
      picture: name,
      ...difference(image.data, wanted.image.data),
      'statistics, largest relative': relative(statistics, wanted.statistics),
    });
  }
}

interface Painted {
  readonly name: string;
  readonly image: RgbImage;
  readonly statistics: StyleStatistics;
}

async function paintAll(executor: Executor): Promise<Map<string, Painted>> {
  const all = new Map<string, Painted>();
  for await (const painted of paintAllOn(executor)) all.set(painted.name, painted);
  return all;
}

async function* paintAllOn(executor: Executor): AsyncGenerator<Painted> {
  const described = new Map<string, StyleStatistics>();
  for (const [index, name] of names.entries()) {
    const picture = pictures[index] as RgbImage;
    const [statistics] = await executor.describe(planPicture(picture, layout), [plain(picture)]);
    described.set(name, statistics as StyleStatistics);
  }
  for (const [index, one] of cases.entries()) {
    const { width, height, styles, alpha = 1, byPlace = false } = one;
    const image = copyOf(contents[index] as RgbImage); // tiles are painted in place
    const plan = planPicture(image, layout);
    const known = styles.map((style) => described.get(style as string) as StyleStatistics);
    const statistics = byPlace ? Float32Array.from(known.flatMap((one) => [...one])) : mean(known);
    const shares = byPlace ? halves(area(plan.features)) : undefined;
    const input = { image, statistics, alpha, color: 'style' as const, shares };
    const kind = byPlace ? ' by place' : plan.tiles ? ' in tiles' : '';
    const name = `${width}×${height} ${styles.join(' and ')}${kind}, alpha ${alpha}`;
    yield { name, image: await paint(executor, plan.tiles !== undefined, input), statistics };
  }
  await executor.release();
}

async function paint(
  executor: Executor,
  tiled: boolean,
  input: Parameters<Executor['stylizeTiled']>[1],
): Promise<RgbImage> {
  const plan = planPicture(input.image, layout);
  if (!tiled) return (await executor.stylize(plan, [input]))[0] as RgbImage;
  const stylization = executor.stylizeTiled(plan, input);
  for (;;) {
    const { done, value } = await stylization.next();
    if (done) return value;
  }
}

function mean(all: readonly StyleStatistics[]): StyleStatistics {
  const [first = new Float32Array()] = all;
  return first.map((_, i) => all.reduce((sum, one) => sum + (one[i] ?? NaN), 0) / all.length);
}

/** The upper half in the first style, the lower one in the second. */
function halves(features: number): Float32Array<ArrayBuffer> {
  const upper = Math.floor(features / 2);
  const share = (k: number) => (_: unknown, place: number) => Number(place < upper === (k === 0));
  return Float32Array.from([0, 1].flatMap((k) => Array.from({ length: features }, share(k))));
}

function relative(found: StyleStatistics, wanted: StyleStatistics): number {
  const largest = (values: Float32Array) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return largest(found.map((value, i) => value - (wanted[i] ?? NaN))) / largest(wanted);
}
