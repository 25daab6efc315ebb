/**
 * Strokes of a chosen width. The networks paint strokes of one width, in pixels, whatever the picture's
 * size; so for strokes k times as wide a picture is painted at a k-th of its size, and scaled.
 * An enlarged painting is painted over once more, lightly, which gives its edges back
 * (src/DECISIONS.md).
 */
import type { StylizeInput, StylizeTurn } from '../engine/index.ts';
import { ServiceError } from '../errors.ts';
import { addDetails, resizePixels } from '../imaging/resize.ts';
import { inTurns } from '../in-turns.ts';
import { layOver } from '../lay-over.ts';
import type { Stages } from '../observability/stages.ts';
import { smallestSide, type RgbImage, type Size } from '../rgb-image.ts';
import { strokesLimits } from './choices.ts';
import { resizeShares } from './masks.ts';
import type { Stylization } from './stylize.ts';

/** How wide strokes are, 1 as the networks paint them; `auto` says it by the picture's size. */
export type Strokes = number | 'auto';

/** In pixels, of the longest side: larger pictures get strokes as wide, in proportion, as one of this. */
const autoSide = 1024;

/** Who would not see the difference does not pay for it: within so much of 1, `auto` is 1. */
const autoFrom = Math.SQRT2;

/** The alpha of painting over, as a share of the request's (src/DECISIONS.md). */
const overpaint = 0.25;

/** The sizes in which a picture is painted. */
export interface Passes {
  /** Of the last, or only, painting; scaled to the result's size after that. */
  readonly painted: Size;
  /** Of the one before it, which is enlarged to be its picture. */
  readonly underpainting: Size | undefined;
}

/**
 * @param size of the result
 * @param maxPixels of any painting
 * @throws ServiceError `too_many_pixels` for `strokes`, where narrow ones would need a larger one
 */
export function passesFor(strokes: Strokes, size: Size, maxPixels: number): Passes {
  const width = strokes === 'auto' ? autoStrokes(size) : strokes;
  const scaled = scale(size, 1 / width);
  // Strokes hardly wider than 1 make no other size.
  if (isSame(scaled, size)) return { painted: size, underpainting: undefined };
  if (width > 1) return { painted: size, underpainting: scaled };
  if (scaled.width * scaled.height > maxPixels) {
    const text = `Strokes of ${width} are painted at ${scaled.width}×${scaled.height} = ${scaled.width * scaled.height} pixels; at most ${maxPixels} are. Ask for wider strokes or a smaller size.`;
    throw new ServiceError('too_many_pixels', text, { field: 'strokes' });
  }
  return { painted: scaled, underpainting: undefined };
}

/**
 * Whether more than an underpainting is made of the photograph: its details, colours, opacity, or
 * places that are not painted.
 */
export function needsPhotograph(
  { counts, masks, color }: Pick<Stylization, 'counts' | 'masks' | 'color'>,
  { hasAlpha }: { readonly hasAlpha: boolean },
): boolean {
  const isMixed = color !== 'style' || masks.length > 0 || hasAlpha;
  return isMixed || counts.some(({ alpha }) => alpha < 1);
}

/** What the engine paints, and what becomes of it. */
export interface Prepared {
  readonly input: StylizeInput;
  /** The painting in the result's size. */
  readonly finish: (painted: RgbImage) => Promise<RgbImage>;
}

/**
 * What the engine is to paint at last, with what must be painted before it painted.
 * @param input with the photograph in the result's size, or in that of the underpainting where the
 * rest of it is not needed (`needsPhotograph`)
 * @param stride pixels to one step of the features, and so of shares
 */
export async function prepareStrokes(
  input: StylizeInput,
  passes: Passes,
  stride: number,
  turn: Pick<StylizeTurn, 'paint' | 'signal'>,
  stages: Stages,
): Promise<Prepared> {
  const { image } = input;
  if (passes.underpainting) {
    const { painted, underpainting } = passes;
    const over = await underpaint(input, painted, underpainting, stride, turn, stages);
    return { input: over, finish: asItIs };
  }
  return isSame(passes.painted, image)
    ? { input, finish: asItIs }
    : enlarge(input, passes.painted, stride, turn.signal);
}

const asItIs = (painted: RgbImage) => Promise.resolve(painted);

/** Paints the photograph small, for it to be painted over. */
async function underpaint(
  input: StylizeInput,
  painted: Size,
  size: Size,
  stride: number,
  turn: Pick<StylizeTurn, 'paint' | 'signal'>,
  stages: Stages,
): Promise<StylizeInput> {
  const { image: photograph, alpha, color, shares, coverage } = input;
  const { signal } = turn;
  const small = isSame(photograph, size)
    ? photograph
    : await resizePixels(photograph, size, signal);
  const rest = restOf(input, stride);
  // Its pixels go to a worker.
  const seen = rest && { ...small, data: small.data.slice() };
  const underpainted = await turn.paint({
    ...{ ...input, image: small, color: 'style', coverage: undefined },
    shares: shares && (await resizeShares(shares, photograph, size, stride)),
  });
  stages.record('underpaint', underpainted.inferMs);
  const image = await resizePixels(underpainted.value, painted, signal);
  if (seen) await addDetails(image, photograph, seen, rest, signal);
  const isMixed = color !== 'style' || coverage !== undefined;
  return {
    ...{ ...input, image, alpha: overpaint * alpha },
    photograph: isMixed ? photograph : undefined,
  };
}

/** Has the photograph painted large. It returns where no painting covers it, to the bit. */
async function enlarge(
  input: StylizeInput,
  size: Size,
  stride: number,
  signal: AbortSignal,
): Promise<Prepared> {
  const { image: photograph, shares, coverage } = input;
  return {
    input: {
      ...{ ...input, image: await resizePixels(photograph, size, signal), coverage: undefined },
      shares: shares && (await resizeShares(shares, photograph, size, stride)),
    },
    async finish(painted) {
      const image = await resizePixels(painted, photograph);
      if (coverage) await cover(coverage, photograph, image);
      return image;
    },
  };
}

/**
 * What alpha leaves to the photograph in a row and a column, 0 to 1: details that scaling takes come
 * back to it. Undefined where that is nothing.
 */
function restOf({ image, alpha, shares }: StylizeInput, stride: number) {
  if (!shares) return alpha < 1 ? () => 1 - alpha : undefined;
  const columns = Math.ceil(image.width / stride);
  const places = columns * Math.ceil(image.height / stride);
  const rest = new Float32Array(places).fill(1);
  for (const [i, share] of shares.entries()) {
    rest[i % places] = (rest[i % places] as number) - alpha * share;
  }
  return (row: number, column: number) =>
    Math.max(0, rest[Math.floor(row / stride) * columns + Math.floor(column / stride)] as number);
}

/** Looked at in one turn of the event loop: a millisecond. */
const chunkPixels = 2 ** 18;

async function cover(coverage: Uint8Array, photograph: RgbImage, painted: RgbImage): Promise<void> {
  await inTurns(coverage.length, chunkPixels, (start, end) => {
    const part = ({ data }: RgbImage) => data.subarray(3 * start, 3 * end);
    layOver(coverage.subarray(start, end), part(photograph), part(painted));
  });
}

function autoStrokes({ width, height }: Size): number {
  const strokes = Math.max(width, height) / autoSide;
  return strokes < autoFrom ? 1 : Math.min(strokes, strokesLimits.max);
}

const isSame = (a: Size, b: Size) => a.width === b.width && a.height === b.height;

function scale({ width, height }: Size, by: number): Size {
  const side = (length: number) => Math.max(smallestSide, Math.round(length * by));
  return { width: side(width), height: side(height) };
}
