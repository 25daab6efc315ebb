/** What the graphs are fed with: canvases, windows and statistics as tensors. */
import type { RgbImage } from '../rgb-image.ts';
import { canvasSize, copyCanvas, featuresOfPicture, pictureOnCanvas } from './canvas.ts';
import type { Padding } from './canvas.ts';
import { rectangleAt, sizeOf } from './rectangle.ts';
import type { Rectangle } from './rectangle.ts';
import type { Tensor } from './runtime.ts';
import type { StyleStatistics, StylizeInput } from './types.ts';

export type Feeds = Readonly<Record<string, Tensor>>;
type Repainting = Pick<StylizeInput, 'image' | 'statistics' | 'alpha'>;

/** `moments`, of whole pictures of one size. */
export function describeFeeds(images: readonly RgbImage[], padding: Padding): Feeds {
  const image = firstOf(images);
  const canvas = rectangleAt(0, 0, canvasSize(image, padding));
  return momentsFeeds(images, padding, canvas, featuresOfPicture(image, padding));
}

/** `moments`, of a tile of the canvas. @param inside the features that count, in the tile */
export function momentsFeeds(
  images: readonly RgbImage[],
  { margin }: Padding,
  tile: Rectangle,
  inside: Rectangle,
): Feeds {
  return { pixels: canvases(images, margin, tile), ...window('inside', inside) };
}

/** `stylize`, of whole pictures of one size, each with its own style and alpha. */
export function stylizeFeeds(inputs: readonly Repainting[], padding: Padding): Feeds {
  const images = inputs.map(({ image }) => image);
  const crop = pictureOnCanvas(firstOf(images), padding);
  return { ...describeFeeds(images, padding), ...window('crop', crop), ...targets(inputs) };
}

/**
 * `tile-stylize`, of a tile of the canvas.
 * @param crop what is asked for, in the tile
 * @param content statistics of the whole picture
 */
export function tileStylizeFeeds(
  input: Repainting,
  { margin }: Padding,
  tile: Rectangle,
  crop: Rectangle,
  content: StyleStatistics,
): Feeds {
  return {
    pixels: canvases([input.image], margin, tile),
    content: packed([content]),
    ...window('crop', crop),
    ...targets([input]),
  };
}

/** The same rectangle of every picture's canvas → uint8 [N, H, W, 3]. */
function canvases(images: readonly RgbImage[], margin: number, rectangle: Rectangle): Tensor {
  const { width, height } = sizeOf(rectangle);
  const length = 3 * width * height;
  const data = new Uint8Array(images.length * length);
  for (const [index, image] of images.entries()) {
    copyCanvas(image, margin, rectangle, data.subarray(index * length, (index + 1) * length));
  }
  return { type: 'uint8', data, dims: [images.length, height, width, 3] };
}

function window(name: string, { x0, y0, x1, y1 }: Rectangle): Feeds {
  return { [`${name}-starts`]: integers(y0, x0), [`${name}-ends`]: integers(y1, x1) };
}

function targets(inputs: readonly Repainting[]): Feeds {
  const data = Float32Array.from(inputs, ({ alpha }) => alpha);
  return {
    statistics: packed(inputs.map(({ statistics }) => statistics)),
    alpha: { type: 'float32', data, dims: [inputs.length] },
  };
}

/** → float32 [N, 2, C] */
function packed(all: readonly StyleStatistics[]): Tensor {
  const data = Float32Array.from(all.flatMap((statistics) => [...statistics]));
  return { type: 'float32', data, dims: [all.length, 2, data.length / all.length / 2] };
}

function integers(...values: number[]): Tensor {
  return { type: 'int64', data: BigInt64Array.from(values, BigInt), dims: [values.length] };
}

function firstOf(images: readonly RgbImage[]): RgbImage {
  const [first] = images;
  if (!first) throw new RangeError('A batch holds at least one picture');
  return first;
}
