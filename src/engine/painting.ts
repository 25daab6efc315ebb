import type { RgbImage, Size } from '../rgb-image.ts';
import { keepColor } from './color.ts';
import type { Model } from './model.ts';
import { mergeMoments, momentsOf, statisticsOf } from './moments.ts';
import type { Moments } from './moments.ts';
import type { Step } from './rates.ts';
import { canvasSize, copyTile, planTiles } from './tiles.ts';
import type { Rectangle, Tile } from './tiles.ts';
import type { StyleStatistics, StylizeInput } from './types.ts';

type Geometry = Pick<Model, 'margin' | 'stride' | 'encoderHalo' | 'decoderHalo' | 'epsilon'>;

/** The two passes over a picture: its statistics are whole before the first tile is painted. */
export interface Plan {
  /** Inner rectangles end where the features of the margin begin, which no statistics count. */
  readonly moments: readonly Tile[];
  readonly paint: readonly Tile[];
}

/** What a tiled picture asks of the sessions; pixels are a tile of the canvas, uint8 [H, W, 3]. */
export interface TileSessions {
  /** @returns float32 [2, C]: mean and variance of the features in `window`, in features' units */
  moments(pixels: Uint8Array<ArrayBuffer>, size: Size, window: Rectangle): Promise<Float32Array>;
  /** @returns uint8 pixels of `window` */
  stylize(
    pixels: Uint8Array<ArrayBuffer>,
    size: Size,
    window: Rectangle,
    content: StyleStatistics,
    input: StylizeInput,
  ): Promise<Uint8Array>;
}

/** A tiled picture in the making: one tile at a time, the result with the last. */
export type Painting = AsyncGenerator<undefined, RgbImage, undefined>;

/** @param tilePixels most pixels of a tile */
export function planPainting(size: Size, geometry: Geometry, tilePixels: number): Plan {
  const { margin, stride, encoderHalo, decoderHalo } = geometry;
  const canvas = canvasSize(size, margin, stride);
  const features = {
    x0: margin,
    y0: margin,
    x1: margin + Math.ceil(size.width / stride) * stride,
    y1: margin + Math.ceil(size.height / stride) * stride,
  };
  return {
    moments: planTiles(canvas, encoderHalo, stride, tilePixels)
      .map(({ outer, inner }) => ({ outer, inner: overlap(inner, features) }))
      .filter(({ inner }) => inner.x0 < inner.x1 && inner.y0 < inner.y1),
    paint: planTiles(canvas, encoderHalo + decoderHalo, stride, tilePixels),
  };
}

/** The plan as the scheduler sees it. */
export function stepsOf({ moments, paint }: Plan): Step[] {
  const step =
    (kind: Step['kind']) =>
    ({ outer }: Tile): Step => ({ kind, megapixels: area(outer) / 1e6 });
  return [...moments.map(step('tile-moments')), ...paint.map(step('tile-stylize'))];
}

/**
 * Paints a picture tile by tile, exactly as in one pass but for rounding: the statistics of the
 * features are summed over all tiles first, then every tile is decoded with those of the whole and
 * with a halo as wide as the networks can see. Yields after every tile but the last. The result
 * takes the place of the picture, so that a large one is in memory once.
 */
export async function* paint(
  input: StylizeInput,
  plan: Plan,
  { margin, stride, encoderHalo, decoderHalo, epsilon }: Geometry,
  sessions: TileSessions,
): Painting {
  const { image, preserveColor } = input;
  const { width, height } = image;
  let total: Moments | undefined;
  for (const { outer, inner } of plan.moments) {
    const window = scale(relative(inner, outer), 1 / stride);
    const pixels = copyTile(image, margin, outer);
    const packed = await sessions.moments(pixels, sizeOf(outer), window);
    const moments = momentsOf(packed, area(window));
    total = total ? mergeMoments(total, moments) : moments;
    yield;
  }
  if (!total) throw new RangeError('A plan holds at least one tile');
  const content = statisticsOf(total, epsilon);

  const halo = encoderHalo + decoderHalo;
  const picture = { x0: margin, y0: margin, x1: margin + width, y1: margin + height };
  /** Painted, but not yet in the picture: tiles below must still see what was there. */
  let pending: { readonly part: Rectangle; readonly pixels: Uint8Array }[] = [];
  const writeAbove = (line: number) => {
    for (const { part, pixels } of pending.filter(({ part }) => part.y1 <= line)) {
      putPart(image, relative(part, picture), pixels, preserveColor);
    }
    pending = pending.filter(({ part }) => part.y1 > line);
  };
  for (const [index, { outer, inner }] of plan.paint.entries()) {
    if (index > 0) yield;
    writeAbove(inner.y0 - halo);
    const part = overlap(inner, picture);
    const tile = copyTile(image, margin, outer);
    const window = relative(part, outer);
    pending.push({
      part,
      pixels: await sessions.stylize(tile, sizeOf(outer), window, content, input),
    });
  }
  writeAbove(Infinity);
  return image;
}

/** Puts painted pixels in the place of the picture's own, row by row. */
function putPart(
  { width, data }: RgbImage,
  { x0, y0, x1, y1 }: Rectangle,
  pixels: Uint8Array,
  preserveColor: boolean,
): void {
  const row = 3 * (x1 - x0);
  for (let y = y0, from = 0; y < y1; y++, from += row) {
    const to = 3 * (y * width + x0);
    const line = pixels.subarray(from, from + row);
    if (preserveColor) keepColor(data.subarray(to, to + row), line);
    data.set(line, to);
  }
}

function relative({ x0, y0, x1, y1 }: Rectangle, to: Rectangle): Rectangle {
  return { x0: x0 - to.x0, y0: y0 - to.y0, x1: x1 - to.x0, y1: y1 - to.y0 };
}

function overlap(a: Rectangle, b: Rectangle): Rectangle {
  return {
    x0: Math.max(a.x0, b.x0),
    y0: Math.max(a.y0, b.y0),
    x1: Math.min(a.x1, b.x1),
    y1: Math.min(a.y1, b.y1),
  };
}

function scale({ x0, y0, x1, y1 }: Rectangle, by: number): Rectangle {
  return { x0: x0 * by, y0: y0 * by, x1: x1 * by, y1: y1 * by };
}

function sizeOf({ x0, y0, x1, y1 }: Rectangle): Size {
  return { width: x1 - x0, height: y1 - y0 };
}

function area({ x0, y0, x1, y1 }: Rectangle): number {
  return (x1 - x0) * (y1 - y0);
}
