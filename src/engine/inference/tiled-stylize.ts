import type { RgbImage, Size } from '../../rgb-image.ts';
import { canvasSize, featuresOfPicture, largestSide, pictureOnCanvas } from '../tiling/canvas.ts';
import { keepColor } from './preserve-color.ts';
import { momentsFeeds, tileStylizeFeeds } from './feeds.ts';
import type { Layout } from '../tiling/layout.ts';
import { mergeMoments, momentsOf, statisticsOf } from './moments.ts';
import type { Moments } from './moments.ts';
import type { Step } from '../scheduling/service-times.ts';
import { area, overlap, relative, scale } from '../tiling/rectangle.ts';
import type { Rectangle } from '../tiling/rectangle.ts';
import type { Session } from './onnxruntime.ts';
import { planTiles, tileSize } from '../tiling/tiles.ts';
import type { Tile } from '../tiling/tiles.ts';
import type { StyleStatistics, StylizeInput } from '../types.ts';

/** The two passes over a picture: its statistics are whole before the first tile is painted. */
export interface Plan {
  readonly moments: readonly Tile[];
  readonly paint: readonly Tile[];
}

/** A tiled picture in the making: one tile at a time, the result with the last. */
export type Painting = AsyncGenerator<undefined, RgbImage, undefined>;

export function planPainting(size: Size, layout: Layout): Plan {
  const { encoderMargin, decoderHalo } = layout;
  return {
    moments: planMoments(size, layout),
    paint: planHalo(canvasSize(size, layout), layout, encoderMargin + decoderHalo),
  };
}

/** Inner rectangles end where the features of the margin begin, which no statistics count. */
function planMoments(size: Size, layout: Layout): readonly Tile[] {
  const features = scale(featuresOfPicture(size, layout), layout.stride);
  return planHalo(canvasSize(size, layout), layout, layout.encoderMargin)
    .map(({ outer, inner }) => ({ outer, inner: overlap(inner, features) }))
    .filter(({ inner }) => inner.x0 < inner.x1 && inner.y0 < inner.y1);
}

function planHalo(canvas: Size, { stride, tilePixels, sides }: Layout, halo: number) {
  if (!sides) return planTiles(canvas, tileSize(canvas, halo, stride, tilePixels), halo);
  const side = largestSide(sides);
  return planTiles(canvas, { width: side, height: side }, halo);
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
  layout: Layout,
  sessions: { readonly moments: Session; readonly tileStylize: Session },
): Painting {
  const { image, preserveColor } = input;
  const plan = planPainting(image, layout);
  const content = yield* measure(image, plan.moments, layout, sessions.moments);

  const halo = layout.encoderMargin + layout.decoderHalo;
  const picture = pictureOnCanvas(image, layout);
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
    const feeds = tileStylizeFeeds(input, layout, outer, relative(part, outer), content);
    const { data } = await sessions.tileStylize.run(feeds);
    pending.push({ part, pixels: data as Uint8Array });
  }
  writeAbove(Infinity);
  return image;
}

/** Statistics of a picture of any size, tile by tile. Yields after every tile. */
async function* measure(
  image: RgbImage,
  tiles: readonly Tile[],
  layout: Layout,
  moments: Session,
): AsyncGenerator<undefined, StyleStatistics, undefined> {
  let total: Moments | undefined;
  for (const { outer, inner } of tiles) {
    const inside = scale(relative(inner, outer), 1 / layout.stride);
    const { data } = await moments.run(momentsFeeds([image], layout, outer, inside));
    const found = momentsOf(data as Float32Array, area(inside));
    total = total ? mergeMoments(total, found) : found;
    yield;
  }
  if (!total) throw new RangeError('A plan holds at least one tile');
  return statisticsOf(total, layout.epsilon);
}

/** Statistics of a picture of any size, in one go. */
export async function measureTiled(
  image: RgbImage,
  layout: Layout,
  moments: Session,
): Promise<StyleStatistics> {
  const measuring = measure(image, planMoments(image, layout), layout, moments);
  let step = await measuring.next();
  while (!step.done) step = await measuring.next();
  return step.value;
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
