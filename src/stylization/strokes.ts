/**
 * Strokes of a chosen width. The networks paint strokes of one width, in pixels, whatever the picture's
 * size; so for strokes k times as wide a picture is painted at a k-th of its size, and scaled.
 * An enlarged painting is painted over once more, lightly, which gives its edges back
 * (src/DECISIONS.md).
 */
import type { StylizeInput, StylizeTurn } from '../engine/index.ts';
import { ServiceError } from '../errors.ts';
import { addDetails, inSize, resizePixels } from '../imaging/resize.ts';
import type { Stages } from '../observability/stages.ts';
import { smallestSide, type Size } from '../rgb-image.ts';

export const strokesLimits = { min: 0.25, max: 4 } as const;

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
  if (width === 1) return { painted: size, underpainting: undefined };
  const scaled = scale(size, 1 / width);
  if (width > 1) return { painted: size, underpainting: scaled };
  if (scaled.width * scaled.height > maxPixels) {
    const text = `Strokes of ${width} are painted at ${scaled.width}×${scaled.height} = ${scaled.width * scaled.height} pixels; at most ${maxPixels} are. Ask for wider strokes or a smaller size.`;
    throw new ServiceError('too_many_pixels', text, { field: 'strokes' });
  }
  return { painted: scaled, underpainting: undefined };
}

/**
 * What the engine is to paint at last, with what must be painted before it painted.
 * @param input with the photograph in the result's size
 */
export async function underpaint(
  input: StylizeInput,
  { painted, underpainting }: Passes,
  turn: Pick<StylizeTurn, 'underpaint'>,
  stages: Stages,
): Promise<StylizeInput> {
  const { image: photograph, alpha, color } = input;
  if (!underpainting) return { ...input, image: await inSize(photograph, painted) };
  const small = await resizePixels(photograph, underpainting);
  // Alpha leaves the rest to the photograph: its details, too.
  const blurred = alpha < 1 ? await resizePixels(small, painted) : undefined;
  const underpainted = await turn.underpaint({ ...input, image: small, color: 'style' });
  stages.record('underpaint', underpainted.inferMs);
  const image = await resizePixels(underpainted.value, painted);
  if (blurred) await addDetails(image, photograph, blurred, 1 - alpha);
  return {
    ...{ ...input, image, alpha: overpaint * alpha },
    photograph: color === 'style' ? undefined : photograph,
  };
}

function autoStrokes({ width, height }: Size): number {
  const strokes = Math.max(width, height) / autoSide;
  return strokes < autoFrom ? 1 : Math.min(strokes, strokesLimits.max);
}

function scale({ width, height }: Size, by: number): Size {
  const side = (length: number) => Math.max(smallestSide, Math.round(length * by));
  return { width: side(width), height: side(height) };
}
