import type { Size } from '../../rgb-image.ts';
import { canvasSize, featuresOfPicture, largestSide, pictureOnCanvas } from './canvas.ts';
import type { Padding } from './canvas.ts';
import type { Layout } from './layout.ts';
import { area, overlap, scale } from './rectangle.ts';
import type { Rectangle } from './rectangle.ts';
import { planTiles, tileSize } from './tiles.ts';
import type { Tile } from './tiles.ts';

/** How pictures of one size are computed: made once, when the size is known, and handed on. */
export interface Plan {
  readonly size: Size;
  readonly canvas: Size;
  /** Where the picture lies on its canvas. */
  readonly picture: Rectangle;
  /** The features that lie on the picture, in steps of the stride. */
  readonly features: Rectangle;
  /** Of a picture that is too large to be computed in one piece. */
  readonly tiles: TilePlan | undefined;
}

/** Two passes over the picture: its statistics are whole before the first tile is painted. */
export interface TilePlan {
  readonly moments: readonly Tile[];
  readonly stylize: readonly Tile[];
}

/** What a worker does without interruption; each kind has a speed of its own. */
export type RunKind = 'describe' | 'stylize' | 'tile-moments' | 'tile-stylize';

export interface Step {
  readonly kind: RunKind;
  /** Pixels the networks compute over, in millions: those of the canvas or tile. */
  readonly megapixels: number;
}

export function planPicture(size: Size, layout: Layout): Plan {
  const whole = planWhole(size, layout);
  return isOnePiece(whole, layout) ? whole : planTiled(size, layout);
}

/** A plan in one piece, whatever the size. */
export function planWhole({ width, height }: Size, padding: Padding): Plan {
  const size = { width, height };
  return {
    size,
    canvas: canvasSize(size, padding),
    picture: pictureOnCanvas(size, padding),
    features: featuresOfPicture(size, padding),
    tiles: undefined,
  };
}

/** A plan in tiles, be it one: what large pictures run is warmed up with a small one. */
export function planTiled(size: Size, layout: Layout): Plan {
  const whole = planWhole(size, layout);
  return { ...whole, tiles: planPasses(whole, layout) };
}

/** A description, which runs in one go whatever the size. */
export function describeStep({ canvas }: Plan): Step {
  return { kind: 'describe', megapixels: (canvas.width * canvas.height) / 1e6 };
}

/**
 * One step, or the many of a picture in tiles.
 * @param hasContent whether statistics of the content are given, which are measured else
 */
export function stylizeSteps({ canvas, tiles }: Plan, hasContent = false): readonly Step[] {
  if (!tiles) return [{ kind: 'stylize', megapixels: (canvas.width * canvas.height) / 1e6 }];
  const step =
    (kind: RunKind) =>
    ({ outer }: Tile): Step => ({ kind, megapixels: area(outer) / 1e6 });
  const measured = hasContent ? [] : tiles.moments.map(step('tile-moments'));
  return [...measured, ...tiles.stylize.map(step('tile-stylize'))];
}

function isOnePiece({ size, canvas }: Plan, { sides, tilePixels }: Layout): boolean {
  if (!sides) return size.width * size.height <= tilePixels;
  return Math.max(canvas.width, canvas.height) <= largestSide(sides);
}

function planPasses({ canvas, features }: Plan, layout: Layout): TilePlan {
  const { stride, encoderMargin, decoderHalo } = layout;
  // Inner rectangles end where the features of the margin begin, which no statistics count.
  const counted = scale(features, stride);
  return {
    moments: cutCanvas(canvas, layout, encoderMargin)
      .map(({ outer, inner }) => ({ outer, inner: overlap(inner, counted) }))
      .filter(({ inner }) => inner.x0 < inner.x1 && inner.y0 < inner.y1),
    stylize: cutCanvas(canvas, layout, encoderMargin + decoderHalo),
  };
}

function cutCanvas(canvas: Size, { stride, tilePixels, sides }: Layout, halo: number) {
  if (!sides) return planTiles(canvas, tileSize(canvas, halo, stride, tilePixels), halo);
  const side = largestSide(sides);
  return planTiles(canvas, { width: side, height: side }, halo);
}
