import { layOver } from '../../lay-over.ts';
import type { RgbImage } from '../../rgb-image.ts';
import type { Layout } from '../tiling/layout.ts';
import type { Plan, TilePlan } from '../tiling/plan.ts';
import { area, overlap, relative, scale } from '../tiling/rectangle.ts';
import type { Rectangle } from '../tiling/rectangle.ts';
import type { Tile } from '../tiling/tiles.ts';
import type { Seen, StyleStatistics, StylizeInput } from '../types.ts';
import { isByPlace, maskedTileFeeds, momentsFeeds, tileStylizeFeeds } from './feeds.ts';
import { mixColors } from './colors.ts';
import { mergeMoments, momentsOf, statisticsOf } from './moments.ts';
import type { Moments } from './moments.ts';
import type { Session } from './onnxruntime.ts';

interface Sessions {
  readonly moments: Session;
  /** Of the tiles of one kind of picture. */
  readonly painting: (kind: 'tileStylize' | 'masked') => Promise<Session>;
}

/** A picture that is being stylized in tiles: one tile at a time, the result with the last. */
export type TiledStylization = AsyncGenerator<undefined, RgbImage, undefined>;

/**
 * Stylizes a picture tile by tile, exactly as in one pass but for rounding: the statistics of the
 * features are summed over all tiles first, then every tile is decoded with those of the whole and
 * with a halo as wide as the networks can see. Yields after every tile but the last. The result
 * takes the place of the picture, so that a large one is in memory once.
 */
export async function* stylizeTiled(
  { picture, tiles }: Plan,
  input: StylizeInput,
  layout: Layout,
  sessions: Sessions,
): TiledStylization {
  if (!tiles) throw new RangeError('The plan has no tiles');
  const { image } = input;
  const content = input.content ?? (yield* measure(input, tiles.moments, layout, sessions.moments));

  const halo = layout.encoderMargin + layout.decoderHalo;
  /** Painted, but not yet in the picture: tiles below must still see what was there. */
  let pending: { readonly part: Rectangle; readonly pixels: Uint8Array }[] = [];
  const writeAbove = (line: number) => {
    for (const { part, pixels } of pending.filter(({ part }) => part.y1 <= line)) {
      putPart(input, relative(part, picture), pixels);
    }
    pending = pending.filter(({ part }) => part.y1 > line);
  };
  for (const [index, { outer, inner }] of tiles.stylize.entries()) {
    if (index > 0) yield;
    writeAbove(inner.y0 - halo);
    const part = overlap(inner, picture);
    const place = [layout, outer, relative(part, outer), content] as const;
    const [kind, feeds] = isByPlace(input)
      ? (['masked', maskedTileFeeds(input, ...place)] as const)
      : (['tileStylize', tileStylizeFeeds(input, ...place)] as const);
    const session = await sessions.painting(kind);
    const { data } = await session.run(feeds);
    pending.push({ part, pixels: data as Uint8Array });
  }
  writeAbove(Infinity);
  return image;
}

/** Statistics of a picture, tile by tile. Yields after every tile. */
async function* measure(
  picture: Seen,
  tiles: readonly Tile[],
  layout: Layout,
  moments: Session,
): AsyncGenerator<undefined, StyleStatistics, undefined> {
  let total: Moments | undefined;
  for (const { outer, inner } of tiles) {
    const inside = scale(relative(inner, outer), 1 / layout.stride);
    const { data } = await moments.run(momentsFeeds([picture], layout, outer, inside));
    const found = momentsOf(data as Float32Array, area(inside));
    total = total ? mergeMoments(total, found) : found;
    yield;
  }
  if (!total) throw new RangeError('A plan holds at least one tile');
  return statisticsOf(total, layout.epsilon);
}

/** Statistics of a picture in tiles, in one go. */
export async function describeTiled(
  picture: Seen,
  tiles: TilePlan,
  layout: Layout,
  moments: Session,
): Promise<StyleStatistics> {
  const measuring = measure(picture, tiles.moments, layout, moments);
  let step = await measuring.next();
  while (!step.done) step = await measuring.next();
  return step.value;
}

/** Puts painted pixels in the place of the picture's own, row by row. */
function putPart(
  { image, photograph = image, color, coverage }: StylizeInput,
  { x0, y0, x1, y1 }: Rectangle,
  pixels: Uint8Array,
): void {
  const { width, data } = image;
  const row = 3 * (x1 - x0);
  for (let y = y0, from = 0; y < y1; y++, from += row) {
    const to = 3 * (y * width + x0);
    const line = pixels.subarray(from, from + row);
    const seen = photograph.data.subarray(to, to + row);
    mixColors(color, seen, line);
    if (coverage) layOver(coverage.subarray(to / 3, (to + row) / 3), seen, line);
    data.set(line, to);
  }
}
