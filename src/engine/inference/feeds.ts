/** What the graphs are fed with: canvases, windows and statistics as tensors. */
import type { RgbImage } from '../../rgb-image.ts';
import { copyCanvas, pictureOnCanvas } from '../tiling/canvas.ts';
import type { Padding } from '../tiling/canvas.ts';
import type { Layout } from '../tiling/layout.ts';
import type { Plan } from '../tiling/plan.ts';
import { rectangleAt, relative, sizeOf } from '../tiling/rectangle.ts';
import type { Rectangle } from '../tiling/rectangle.ts';
import { addGrain } from './grain.ts';
import type { Tensor } from './onnxruntime.ts';
import type { StyleStatistics, StylizeInput } from '../types.ts';

export type Feeds = Readonly<Record<string, Tensor>>;
/** What feeds must know of a layout. */
export type RunLayout = Padding & Pick<Layout, 'encoderMargin' | 'batch' | 'grain'>;
/** A picture as the networks see it: at alpha 0, as a style is described, without grain. */
export type Seen = Pick<StylizeInput, 'image' | 'alpha'>;
type Repainting = Seen & Pick<StylizeInput, 'statistics'>;

/** A picture as it is. */
export function plain(image: RgbImage): Seen {
  return { image, alpha: 0 };
}

/** `moments`, of whole pictures of the plan's size. */
export function describeFeeds(
  images: readonly RgbImage[],
  { canvas, features }: Plan,
  layout: RunLayout,
): Feeds {
  return momentsFeeds(images.map(plain), layout, rectangleAt(0, 0, canvas), features);
}

/** `moments`, of a tile of the canvas. @param inside the features that count, in the tile */
export function momentsFeeds(
  pictures: readonly Seen[],
  layout: RunLayout,
  tile: Rectangle,
  inside: Rectangle,
): Feeds {
  const seen = inward(inside, layout.encoderMargin / layout.stride);
  return { pixels: canvases(pictures, layout, tile), ...window('inside', seen) };
}

/** `stylize`, of whole pictures of the plan's size, each with its own style and alpha. */
export function stylizeFeeds(inputs: readonly Repainting[], plan: Plan, layout: RunLayout): Feeds {
  return {
    ...momentsFeeds(inputs, layout, rectangleAt(0, 0, plan.canvas), plan.features),
    ...window('crop', inward(plan.picture, layout.encoderMargin)),
    ...targets(inputs, runSize(inputs.length, layout)),
  };
}

/**
 * `tile-stylize`, of a tile of the canvas.
 * @param crop what is asked for, in the tile
 * @param content statistics of the whole picture
 */
export function tileStylizeFeeds(
  input: Repainting,
  layout: RunLayout,
  tile: Rectangle,
  crop: Rectangle,
  content: StyleStatistics,
): Feeds {
  return {
    pixels: canvases([input], layout, tile),
    content: packed([content], 1),
    ...window('crop', inward(crop, layout.encoderMargin)),
    ...targets([input], 1),
  };
}

/** The same rectangle of every picture's canvas, with grain → uint8 [N, H, W, 3]. */
function canvases(pictures: readonly Seen[], layout: RunLayout, rectangle: Rectangle): Tensor {
  const { margin, grain } = layout;
  const { width, height } = sizeOf(rectangle);
  const length = 3 * width * height;
  const count = runSize(pictures.length, layout);
  const data = new Uint8Array(count * length);
  for (const [index, { image, alpha }] of pictures.entries()) {
    const canvas = data.subarray(index * length, (index + 1) * length);
    copyCanvas(image, margin, rectangle, canvas);
    addGrain(canvas, relative(rectangle, pictureOnCanvas(image, layout)), alpha * grain);
  }
  return { type: 'uint8', data, dims: [count, height, width, 3] };
}

/** Where there are few shapes, black pictures make a run full; nobody looks at what becomes of them. */
function runSize(pictures: number, { sides, batch }: RunLayout): number {
  return sides && pictures > 1 ? batch : pictures;
}

/** A rectangle of a canvas or tile as seen from where its features begin, `by` further in. */
function inward(rectangle: Rectangle, by: number): Rectangle {
  return relative(rectangle, rectangleAt(by, by, sizeOf(rectangle)));
}

function window(name: string, { x0, y0, x1, y1 }: Rectangle): Feeds {
  return { [`${name}-starts`]: integers(y0, x0), [`${name}-ends`]: integers(y1, x1) };
}

function targets(inputs: readonly Repainting[], count: number): Feeds {
  const alpha = new Float32Array(count);
  alpha.set(inputs.map((input) => input.alpha));
  const statistics = inputs.map((input) => input.statistics);
  return {
    statistics: packed(statistics, count),
    alpha: { type: 'float32', data: alpha, dims: [count] },
  };
}

/** → float32 [count, 2, C], zeros after the last. */
function packed(all: readonly StyleStatistics[], count: number): Tensor {
  const length = all[0]?.length ?? 0;
  const data = new Float32Array(count * length);
  for (const [index, statistics] of all.entries()) data.set(statistics, index * length);
  return { type: 'float32', data, dims: [count, 2, length / 2] };
}

function integers(...values: number[]): Tensor {
  return { type: 'int64', data: BigInt64Array.from(values, BigInt), dims: [values.length] };
}
