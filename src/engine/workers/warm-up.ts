import { smallestSide } from '../../rgb-image.ts';
import type { RgbImage } from '../../rgb-image.ts';
import { plain } from '../inference/feeds.ts';
import type { Executor } from '../inference/executor.ts';
import { wholeShapes } from '../inference/sessions.ts';
import type { Speeds } from '../scheduling/service-times.ts';
import { largestSide } from '../tiling/canvas.ts';
import type { Layout } from '../tiling/layout.ts';
import { planPicture, planTiled, stylizeSteps } from '../tiling/plan.ts';
import type { Plan, RunKind } from '../tiling/plan.ts';
import { area } from '../tiling/rectangle.ts';
import { maxStyles } from '../types.ts';
import type { StyleStatistics, StylizeInput } from '../types.ts';

/** Large enough for the speed to be that of real pictures, small enough for a quick start. */
const side = 256;

/**
 * Runs every kind of work twice on noise, where there are few shapes in each of them: first the
 * largest, as a GPU's memory pool keeps what it has grown to. The first run pays for memory, threads
 * and plans; the second tells the speed. Painting by place is warmed up where its sessions are there
 * from the start, and takes as long as in one style (src/DECISIONS.md).
 * @throws what the runtime says when the device cannot run the networks
 */
export async function warmUp(executor: Executor, layout: Layout): Promise<Speeds> {
  const { margin, sides } = layout;
  const shapes = sides ? wholeShapes(layout) : [{ count: 1, side: side + 2 * margin }];
  const speeds: Partial<Record<RunKind, number>> = {};
  let statistics: StyleStatistics = new Float32Array();
  for (const { count, side } of shapes) {
    const image = noise(side - 2 * margin, side - 2 * margin);
    const plan = planPicture(image, layout);
    const pictures = Array.from({ length: count }, () => plain(image));
    const twice = async <T>(kind: RunKind, work: () => Promise<T>): Promise<T> => {
      await work();
      const start = performance.now();
      const result = await work();
      speeds[kind] = (performance.now() - start) / ((count * side ** 2) / 1e6);
      return result;
    };
    [statistics = statistics] = await twice('describe', () => executor.describe(plan, pictures));
    const input = { image, statistics, alpha: 1, color: 'style' as const };
    if (sides && count === 1) await executor.stylize(plan, [byPlace(input, plan)]);
    await twice('stylize', () =>
      executor.stylize(
        plan,
        pictures.map(() => input),
      ),
    );
    if (sides && count === 1) {
      const smallest = { ...input, image: smallestOn(side, sides, margin) };
      await runByTurns(executor, layout, [smallest, input]);
    }
  }

  for (let i = 0; i < 2; i++) {
    // Where there are few shapes, the shortest picture that takes two tiles.
    const image = sides ? noise(largestSide(sides), smallestSide) : noise(side, side);
    const plan = planTiled(image, layout);
    const input = { image, statistics, alpha: 1, color: 'style' as const };
    const stylization = executor.stylizeTiled(plan, input);
    for (const { kind, megapixels } of stylizeSteps(plan)) {
      const start = performance.now();
      await stylization.next();
      speeds[kind] = (performance.now() - start) / megapixels;
    }
  }
  return speeds as Speeds;
}

/**
 * The same for who runs whole pictures only, where any shape will do, and whose speed is known: once.
 * @throws what the runtime says
 */
export async function tryWhole(executor: Executor, layout: Layout): Promise<void> {
  const image = noise(side, side);
  const plan = planPicture(image, layout);
  const [statistics = new Float32Array()] = await executor.describe(plan, [plain(image)]);
  await executor.stylize(plan, [{ image, statistics, alpha: 1, color: 'style' }]);
}

/** The smallest picture that lies on a canvas of this side. */
function smallestOn(side: number, sides: readonly number[], margin: number): RgbImage {
  const smaller = Math.max(...sides.filter((other) => other < side)) - 2 * margin;
  return noise(Math.max(smaller + 1, smallestSide), smallestSide);
}

/**
 * Runs pictures of one canvas by turns. A small one takes less memory than a large one, but in other
 * pieces, for which by chance there is no room between those of the large one (src/DECISIONS.md).
 */
async function runByTurns(
  executor: Executor,
  layout: Layout,
  inputs: readonly StylizeInput[],
): Promise<void> {
  for (let turn = 0; turn < 4; turn++) {
    for (const input of inputs) {
      const plan = planPicture(input.image, layout);
      await executor.describe(plan, [plain(input.image)]);
      await executor.stylize(plan, [byPlace(input, plan)]);
      await executor.stylize(plan, [input]);
    }
  }
}

/** The same in as many styles as there may be. */
function byPlace(input: StylizeInput, { features }: Plan): StylizeInput {
  const shares = new Float32Array(maxStyles * area(features)).fill(1 / maxStyles);
  const statistics = new Float32Array(maxStyles * input.statistics.length);
  for (let k = 0; k < maxStyles; k++) statistics.set(input.statistics, k * input.statistics.length);
  return { ...input, statistics, shares };
}

function noise(width: number, height: number): RgbImage {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 7919) % 251);
  return { width, height, data };
}
