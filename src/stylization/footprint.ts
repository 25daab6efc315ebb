import type { Content, DecodeMemory } from '../imaging/decode.ts';
import type { AnimationFormat, PictureFormat, ResultFormat } from '../imaging/formats.ts';
import { encodeAnimationBytes, encodeBytes, resizeBytes } from '../imaging/memory.ts';
import { framesBytes, waitingBytes } from './frames.ts';
import type { Passes } from './strokes.ts';

/** While one is described the next is decoded; of those behind, nothing is left to do if one fails. */
export const stylesAtOnce = 2;

/** What is known of a request from headers alone. */
export interface Known {
  /** In the size of the result. */
  readonly content: Content;
  /** As it will be decoded. */
  readonly decodable: DecodeMemory;
  readonly styles: readonly DecodeMemory[];
  readonly masks: DecodeMemory;
  readonly passes: Passes;
  /** Whether an underpainting gets details of the photograph back. */
  readonly leavesRest: boolean;
  readonly format: ResultFormat;
}

/** What a request holds at most from its first decode to its result, in bytes, beside what was sent. */
export function memoryFor(known: Known): number {
  const { content, decodable, masks } = known;
  const { decodeBytes, heldBytes } = decodable;
  const styles = known.styles.map((style) => style.decodeBytes).sort((a, b) => b - a);
  const pictures = Math.max(decodeBytes, heldBytes + masks.decodeBytes);
  const decoding = pictures + sum(styles.slice(0, stylesAtOnce));
  const encoding = content.heldBytes + masks.heldBytes + encodingBytes(known);
  const described = sum(known.styles.map((style) => style.heldBytes));
  const painting = masks.heldBytes + heldBytes + paintingBytes(known);
  const waiting = content.timing ? waitingBytes(content, known.passes) : 0;
  return described + Math.max(decoding, encoding + waiting, painting + waiting);
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

function encodingBytes({ content, format }: Known): number {
  return content.timing
    ? encodeAnimationBytes(format as AnimationFormat, content, content.frames)
    : encodeBytes(format as PictureFormat, content, content.hasAlpha);
}

/** Beside the photograph, which the painting takes the place of. */
function paintingBytes({ content, masks, passes, leavesRest }: Known): number {
  const { painted, underpainting } = passes;
  // What the details of the photograph are told by.
  const details = underpainting && leavesRest ? 3 * underpainting.width * underpainting.height : 0;
  const scaling = Math.max(
    underpainting ? details + resizeBytes(underpainting, painted) : 0,
    painted === content ? 0 : details + resizeBytes(content, painted),
    painted === content ? 0 : details + resizeBytes(painted, content),
  );
  return content.timing ? framesBytes(content, passes, masks, scaling) : scaling;
}
