import { layOver } from '../../lay-over.ts';
import type { RgbImage } from '../../rgb-image.ts';
import type { Placement } from '../devices/placement.ts';
import { serialize } from '../model/graph/builder.ts';
import type { Graph } from '../model/graph/builder.ts';
import {
  maskedStylizeGraph,
  momentsGraph,
  stylizeGraph,
  tileStylizeGraph,
} from '../model/graph/graphs.ts';
import { inHalf } from '../model/graph/half.ts';
import { partsOf } from '../model/model.ts';
import type { Model } from '../model/model.ts';
import type { Layout } from '../tiling/layout.ts';
import type { Plan } from '../tiling/plan.ts';
import { area } from '../tiling/rectangle.ts';
import type { Seen, StyleStatistics, StylizeInput } from '../types.ts';
import { mixColors } from './colors.ts';
import { describeFeeds, maskedFeeds, placedInput, stylizeFeeds } from './feeds.ts';
import { momentsOf, statisticsOf } from './moments.ts';
import { createSession } from './onnxruntime.ts';
import {
  createSessions,
  maskedShapes,
  sessionPerShape,
  tileShapes,
  wholeShapes,
} from './sessions.ts';
import type { Shape } from './sessions.ts';
import { describeTiled, stylizeTiled } from './tiled-stylize.ts';
import type { TiledStylization } from './tiled-stylize.ts';

/** The sessions of one device, and the batches they run. Blocks its thread while it computes. */
export interface Executor {
  /** Pictures of the plan's size → their statistics, in the same order. */
  describe(plan: Plan, pictures: readonly Seen[]): Promise<StyleStatistics[]>;
  /**
   * Pictures of the plan's size, each with its own style and alpha → pictures, in the same order. One
   * with `shares` or `content` comes alone.
   */
  stylize(plan: Plan, inputs: readonly StylizeInput[]): Promise<RgbImage[]>;
  /** One picture in the tiles of its plan. */
  stylizeTiled(plan: Plan, input: StylizeInput): TiledStylization;
  release(): Promise<void>;
}

/** @throws what the runtime says when a graph does not fit the device */
export async function createExecutor(
  model: Model,
  placement: Placement,
  layout: Layout,
): Promise<Executor> {
  const readParts = () =>
    placement.precision === 'float16' ? inHalf(partsOf(model)) : partsOf(model);
  const parts = readParts();
  const open = (graph: Graph, shapes: readonly Shape[]) => {
    const bytes = serialize(graph);
    return sessionPerShape(shapes, () => createSession(bytes, placement));
  };
  const stylize = await open(stylizeGraph(parts), wholeShapes(layout));
  const moments = await open(momentsGraph(parts), wholeShapes(layout));
  const rarer = createSessions(
    {
      tileStylize: () => open(tileStylizeGraph(readParts()), tileShapes(layout)),
      masked: () => open(maskedStylizeGraph(readParts()), maskedShapes(layout)),
    },
    // A GPU tries kernels for each of them, which is to be done with at the start.
    layout.sides ? 2 : 1,
  );
  if (layout.sides) for (const kind of ['masked', 'tileStylize'] as const) await rarer.open(kind);

  return {
    async describe(plan, pictures) {
      const { features, tiles } = plan;
      if (tiles) {
        return Promise.all(pictures.map((one) => describeTiled(one, tiles, layout, moments)));
      }
      const { data, dims } = await moments.run(describeFeeds(pictures, plan, layout));
      return rows(data as Float32Array<ArrayBuffer>, dims)
        .slice(0, pictures.length)
        .map((packed) => statisticsOf(momentsOf(packed, area(features)), layout.epsilon));
    },
    async stylize(plan, inputs) {
      const [first] = inputs;
      const placed = first && placedInput(first, plan);
      const output = placed
        ? await (await rarer.open('masked')).run(maskedFeeds(placed, plan, layout))
        : await stylize.run(stylizeFeeds(inputs, plan, layout));
      const painted = rows(output.data as Uint8Array<ArrayBuffer>, output.dims);
      return inputs.map(({ image, photograph = image, color, coverage }, index) => {
        const data = painted[index] as Uint8Array<ArrayBuffer>;
        mixColors(color, photograph.data, data);
        if (coverage) layOver(coverage, photograph.data, data);
        return { width: image.width, height: image.height, data };
      });
    },
    stylizeTiled: (plan, input) =>
      stylizeTiled(plan, input, layout, { moments, painting: rarer.open }),
    async release() {
      await Promise.all([moments, stylize, rarer].map((one) => one.release()));
    },
  };
}

/** Cuts a run's output into one array each, every one with a buffer of its own to transfer. */
function rows<T extends Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>>(
  data: T,
  [count = 1]: readonly number[],
): T[] {
  if (count === 1) return [data];
  const length = data.length / count;
  return Array.from(
    { length: count },
    (_, index) => data.slice(index * length, (index + 1) * length) as T,
  );
}
