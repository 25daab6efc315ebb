/** Milliseconds of a run of each shape, and where they go. */
import type { Placement } from '../../../src/engine/devices/placement.ts';
import { describeFeeds, plain, stylizeFeeds } from '../../../src/engine/inference/feeds.ts';
import type { Feeds } from '../../../src/engine/inference/feeds.ts';
import { createSession } from '../../../src/engine/inference/onnxruntime.ts';
import {
  addInput,
  addIntegers,
  addNode,
  addOutput,
  emptyGraph,
  serialize,
} from '../../../src/engine/model/graph/builder.ts';
import type { Graph } from '../../../src/engine/model/graph/builder.ts';
import { momentsGraph, stylizeGraph } from '../../../src/engine/model/graph/graphs.ts';
import { inHalf } from '../../../src/engine/model/graph/half.ts';
import { loadModel, partsOf } from '../../../src/engine/model/model.ts';
import { planPicture } from '../../../src/engine/tiling/plan.ts';
import { modelsDir, testPicture } from '../../engine/helpers.ts';
import { settled, timed } from '../measure.ts';
import { canvasesOf, gpuMemoryMiB, placementOn } from './device.ts';
import { readSettings, say } from './part.ts';

/** Sides of pictures, each the largest of its canvas, and pictures a run: what matters most first. */
const points = [
  [256, 1],
  [512, 1],
  [1024, 1],
  [256, 4],
  [512, 4],
  [256, 8],
  [512, 8],
  [256, 2],
  [512, 2],
  [1024, 4],
  [1024, 2],
  [1024, 8],
] as const;

/** Seconds of the paper's table 3, on an NVIDIA Titan X: style cached, and described first. */
const paper = { 256: [0.018, 0.027], 512: [0.065, 0.098] } as const;

const { device, rounds } = readSettings();
const model = await loadModel(modelsDir);
const [half, full] = (['float16', 'float32'] as const).map((one) => placementOn(device, one)) as [
  Placement,
  Placement,
];
for (const [side, count] of points.slice(0, 2)) {
  const stylizing = await measureStylize(half, side, count);
  const describing = await measureDescribe(half, side);
  const [cached, described] = paper[side as keyof typeof paper];
  say("The paper's row: runs of one picture, style as large as the content", {
    side: `${side}²`,
    'style cached, ms': stylizing,
    "the paper's, ms": 1000 * cached,
    'style described, ms': stylizing + describing,
    "the paper's": 1000 * described,
  });
}
for (const [side, count] of points.slice(2, 7)) await measureStylize(half, side, count);
for (const [side, count] of points.slice(1, 2)) await measureStylize(full, side, count);
for (const [side, count] of points.slice(5, 6)) await measureStylize(full, side, count);
for (const [side, count] of points.slice(7)) await measureStylize(half, side, count);

/** @returns milliseconds of a run */
async function measureStylize(placement: Placement, side: number, count: number): Promise<number> {
  const layout = canvasesOf(model, count);
  const image = testPicture(side, side);
  const plan = planPicture(image, layout);
  const statistics = new Float32Array(2 * model.channels).fill(1); // the time does not depend on them
  const inputs = Array.from({ length: count }, () => ({ image, statistics, alpha: 1 }));
  const makeFeeds = () => Promise.resolve(stylizeFeeds(inputs, plan, layout));
  const feeds = await makeFeeds();

  const { session, first } = await open(stylizeGraph(partsFor(placement)), placement, feeds);
  const run = await settled(rounds, () => session.run(feeds));
  const anew = await settled(rounds, async () => session.run(await makeFeeds()));
  const small = withTinyCrop(feeds);
  const without = await settled(rounds, () => session.run(small));
  const MiB = gpuMemoryMiB();
  await session.release();
  const sending = await open(cornerGraph(), placement, { pixels: feeds['pixels'] as never });
  const up = await settled(rounds, () => sending.session.run({ pixels: feeds['pixels'] as never }));
  await sending.session.release();
  say('Stylize, medians', {
    precision: placement.precision,
    canvas: `${plan.canvas.width}²`,
    pictures: count,
    'opened and first run, ms': first,
    'canvases in JavaScript, ms': await settled(rounds, makeFeeds),
    'run, ms': run,
    'both, a canvas for each run, ms': anew,
    'upload and launch, ms': up,
    'kernels, ms': without - up,
    'download and casts, ms': run - without,
    'ms a picture': run / count,
    'pictures/s': (1000 * count) / run,
    'GPU MiB, of all': MiB,
  });
  return run;
}

async function measureDescribe(placement: Placement, side: number): Promise<number> {
  const layout = canvasesOf(model);
  const image = testPicture(side, side);
  const feeds = describeFeeds([plain(image)], planPicture(image, layout), layout);
  const { session } = await open(momentsGraph(partsFor(placement)), placement, feeds);
  const run = await settled(rounds, () => session.run(feeds));
  await session.release();
  return run;
}

async function open(graph: Graph, placement: Placement, feeds: Feeds) {
  const start = performance.now();
  const session = await createSession(serialize(graph), placement);
  await timed(() => session.run(feeds))();
  return { session, first: performance.now() - start };
}

function partsFor({ precision }: Placement) {
  return precision === 'float16' ? inHalf(partsOf(model)) : partsOf(model);
}

/** The networks paint all of the canvas, but hardly anything of it is made into bytes and sent back. */
function withTinyCrop(feeds: Feeds): Feeds {
  const starts = feeds['crop-starts'];
  if (starts?.type !== 'int64') throw new Error('unreachable');
  return { ...feeds, 'crop-ends': { ...starts, data: starts.data.map((at) => at + 8n) } };
}

/** Sends pixels and gets a corner of them back: what a run costs whose kernels have nothing to do. */
function cornerGraph(): Graph {
  const graph = emptyGraph('corner');
  const pixels = addInput(graph, 'pixels', 'uint8', ['N', 'H', 'W', 3]);
  const [starts, ends, axes] = [
    addIntegers(graph, 'starts', [0, 0]),
    addIntegers(graph, 'ends', [8, 8]),
    addIntegers(graph, 'axes', [1, 2]),
  ];
  const corner = addNode(graph, 'Slice', 'slice', [pixels, starts, ends, axes]);
  addOutput(graph, 'corner', corner, 'uint8', ['N', 8, 8, 3]);
  return graph;
}
