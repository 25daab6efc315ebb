/** What the graphs are fed with: canvases, windows and statistics as tensors. */
import type { RgbImage } from '../../rgb-image.ts';
import { copyCanvas, pictureOnCanvas } from '../tiling/canvas.ts';
import type { Padding } from '../tiling/canvas.ts';
import type { Layout } from '../tiling/layout.ts';
import type { Plan } from '../tiling/plan.ts';
import { area, rectangleAt, relative, scale, sizeOf } from '../tiling/rectangle.ts';
import type { Rectangle } from '../tiling/rectangle.ts';
import { addGrain, addGrainByPlace } from './grain.ts';
import type { Tensor } from './onnxruntime.ts';
import { canvasShares, canvasStrength } from './shares.ts';
import { maxStyles } from '../types.ts';
import type { Seen, StyleStatistics, StylizeInput } from '../types.ts';

export type Feeds = Readonly<Record<string, Tensor>>;
/** What feeds must know of a layout. */
export type RunLayout = Padding & Pick<Layout, 'encoderMargin' | 'batch' | 'grain'>;
type Repainting = Seen & Pick<StylizeInput, 'statistics' | 'content'>;
type ByPlace = Repainting & { readonly shares: Float32Array };

export function isByPlace<T extends Repainting>(input: T): input is T & ByPlace {
  return input.shares !== undefined;
}

/**
 * What `masked-stylize` paints of whole pictures, which takes statistics of the content that are given:
 * several styles by place, or one everywhere. Undefined for what `stylize` paints.
 */
export function placedInput<T extends Repainting>(
  input: T,
  { features }: Plan,
): (T & ByPlace) | undefined {
  if (isByPlace(input)) return input;
  return input.content && { ...input, shares: new Float32Array(area(features)).fill(1) };
}

/** A picture as it is. */
export function plain(image: RgbImage): Seen {
  return { image, alpha: 0 };
}

/** `moments`, of whole pictures of the plan's size. */
export function describeFeeds(
  pictures: readonly Seen[],
  { canvas, features }: Plan,
  layout: RunLayout,
): Feeds {
  return momentsFeeds(pictures, layout, rectangleAt(0, 0, canvas), features);
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

/** `masked-stylize`, of a whole picture. */
export function maskedFeeds(input: ByPlace, plan: Plan, layout: RunLayout): Feeds {
  const whole = rectangleAt(0, 0, plan.canvas);
  return {
    ...momentsFeeds([input], layout, whole, plan.features),
    ...window('crop', inward(plan.picture, layout.encoderMargin)),
    ...placed(input, layout, whole, input.content),
  };
}

/** `masked-stylize`, of a tile of the canvas: as `tileStylizeFeeds`. */
export function maskedTileFeeds(
  input: ByPlace,
  layout: RunLayout,
  tile: Rectangle,
  crop: Rectangle,
  content: StyleStatistics,
): Feeds {
  return {
    pixels: canvases([input], layout, tile),
    // Nobody asks for the tile's own statistics.
    ...window('inside', rectangleAt(0, 0, { width: 1, height: 1 })),
    ...window('crop', inward(crop, layout.encoderMargin)),
    ...placed(input, layout, tile, content),
  };
}

/** The same rectangle of every picture's canvas, with grain → uint8 [N, H, W, 3]. */
function canvases(pictures: readonly Seen[], layout: RunLayout, rectangle: Rectangle): Tensor {
  const { margin, grain } = layout;
  const { width, height } = sizeOf(rectangle);
  const length = 3 * width * height;
  const count = runSize(pictures.length, layout);
  // All of it is written: a picture's canvas by copying, what makes a run full with zeros.
  const data = new Uint8Array(Buffer.allocUnsafeSlow(count * length).buffer);
  data.fill(0, pictures.length * length);
  for (const [index, { image, alpha, shares }] of pictures.entries()) {
    const canvas = data.subarray(index * length, (index + 1) * length);
    copyCanvas(image, margin, rectangle, canvas);
    const place = relative(rectangle, pictureOnCanvas(image, layout));
    if (shares) {
      const steps = scale(rectangle, 1 / layout.stride);
      const strength = canvasStrength({ image, alpha, shares }, layout, steps);
      // Sums of shares are not exact, and half a level must be rounded as without shares.
      const levels = Float64Array.from(strength, (sum) => (Math.round(1e4 * sum) / 1e4) * grain);
      addGrainByPlace(canvas, place, layout.stride, levels);
    } else addGrain(canvas, place, alpha * grain);
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

/** Styles and their shares of a tile's features. @param content undefined for the tile's own */
function placed(
  input: ByPlace,
  layout: RunLayout,
  tile: Rectangle,
  content?: StyleStatistics,
): Feeds {
  const { stride, encoderMargin, sides } = layout;
  const margin = encoderMargin / stride;
  const { x0, y0, x1, y1 } = scale(tile, 1 / stride);
  const seen = { x0: x0 + margin, y0: y0 + margin, x1: x1 - margin, y1: y1 - margin };
  const { width, height } = sizeOf(seen);
  const found = canvasShares(input, layout, seen);
  const given = found.length / area(seen);
  // Where there are few shapes, styles that have no share make them full.
  const styles = sides ? maxStyles : given;
  const shares = new Float32Array(styles * area(seen));
  shares.set(found);
  const length = input.statistics.length / given;
  const statistics = new Float32Array(styles * length);
  statistics.set(input.statistics);
  return {
    statistics: { type: 'float32', data: statistics, dims: [styles, 2, length / 2] },
    shares: { type: 'float32', data: shares, dims: [1, styles, height, width] },
    content: packed([content ?? new Float32Array(length)], 1),
    'is-tile': { type: 'uint8', data: Uint8Array.of(content ? 1 : 0), dims: [1] },
  };
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
