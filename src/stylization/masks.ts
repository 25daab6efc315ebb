/**
 * Masks: where each style is painted. `coverage` says of every pixel how far the painting covers the
 * photograph, min(1, Σ mₖ); shares say of every step of the features how much of each style is painted
 * there, aₖ · wₖ·mₖ / Σ wⱼ·mⱼ, mₖ being the mean of the step's pixels, wₖ the styles' weights and aₖ
 * their alphas.
 */
import { together } from '../abortable.ts';
import type { DecodeMemory } from '../imaging/decode.ts';
import { type Mask, openMask } from '../imaging/mask.ts';
import { inTurns } from '../in-turns.ts';
import type { Size } from '../rgb-image.ts';
import type { Mixed } from './blend.ts';

export interface OpenedMasks extends DecodeMemory {
  /** Whether styles differ in their places; else all of them are painted where one mask says. */
  readonly byPlace: boolean;
  /**
   * Rejects as `Mask.decode` does.
   * @returns nothing where there are no masks; shares, float32 [K, h, w], if styles differ in their places
   */
  decode(signal: AbortSignal): Promise<{
    readonly coverage?: Uint8Array<ArrayBuffer>;
    readonly shares?: Float32Array<ArrayBuffer>;
  }>;
}

/**
 * Reads the headers of the masks of a picture of this size.
 * @param files none, one for all styles, or one a style
 * @param mixed of all styles; those without weight are left out of the shares
 * @param stride pixels to one step of the features
 * Rejects as `openMask` does.
 */
export async function openMasks(
  files: readonly Buffer[],
  mixed: readonly Mixed[],
  size: Size,
  { maxPixels, stride, signal }: { maxPixels: number; stride: number; signal: AbortSignal },
): Promise<OpenedMasks> {
  const limits = { maxPixels, field: 'mask' };
  const opened = await together<readonly Mask[]>(
    signal,
    files.map((bytes) => () => openMask(bytes, size, limits)),
  );
  const [first] = opened;
  const styles = mixed.flatMap((style, index) =>
    style.weight > 0 ? { ...style, mask: opened.length > 1 ? opened[index] : first } : [],
  );
  const masks = [...new Set(styles.flatMap(({ mask }) => mask ?? []))];
  const byPlace = masks.length > 1;
  const places = Math.ceil(size.width / stride) * Math.ceil(size.height / stride);
  const shareBytes = byPlace ? 4 * styles.length * places : 0;
  const heldBytes = masks.length > 0 ? size.width * size.height + shareBytes : 0;
  return {
    byPlace,
    heldBytes,
    decodeBytes: heldBytes + Math.max(0, ...masks.map(({ decodeBytes }) => decodeBytes)),
    async decode(signal) {
      if (masks.length === 0) return {};
      const coverage = new Uint8Array(size.width * size.height);
      const shares = new Float32Array(byPlace ? styles.length * places : 0);
      // One after the other: each is as large as the picture.
      for (const [index, mask] of masks.entries()) {
        const greys = await mask.decode(signal);
        signal.throwIfAborted();
        const means = byPlace ? shares.subarray(index * places, (index + 1) * places) : undefined;
        await addMask(greys, size, stride, coverage, means);
      }
      if (!byPlace) return { coverage };
      await normalize(shares, styles, places);
      return { coverage, shares };
    },
  };
}

/** Looked at in one turn of the event loop: about a millisecond. */
const chunkPixels = 2 ** 18;

/**
 * Adds a mask to the coverage, and takes its means.
 * @param greys one byte a pixel
 * @param coverage as many, whose sums end at 255
 * @param means 0..1, of each stride × stride pixels of the picture
 */
async function addMask(
  greys: Uint8Array,
  { width, height }: Size,
  stride: number,
  coverage: Uint8Array,
  means: Float32Array | undefined,
): Promise<void> {
  const columns = Math.ceil(width / stride);
  const rows = Math.ceil(height / stride);
  const each = Math.max(1, Math.floor(chunkPixels / (stride * width)));
  await inTurns(rows, each, (start, end) => {
    const [from, to] = [stride * start * width, Math.min(stride * end, height) * width];
    for (let i = from; i < to; i++) {
      const sum = (coverage[i] as number) + (greys[i] as number);
      coverage[i] = sum > 255 ? 255 : sum;
    }
    if (!means) return;
    for (let row = start; row < end; row++) {
      const bottom = Math.min(stride * (row + 1), height);
      for (let column = 0; column < columns; column++) {
        const right = Math.min(stride * (column + 1), width);
        let sum = 0;
        for (let y = stride * row; y < bottom; y++) {
          for (let i = y * width + stride * column; i < y * width + right; i++) {
            sum += greys[i] as number;
          }
        }
        const pixels = (bottom - stride * row) * (right - stride * column);
        means[row * columns + column] = sum / (255 * pixels);
      }
    }
  });
}

/**
 * Means of masks → shares of styles, in place; where all masks are black, those of the weights.
 * @param means float32 [K, places]
 */
async function normalize(
  means: Float32Array,
  styles: readonly Mixed[],
  places: number,
): Promise<void> {
  const each = Math.ceil(chunkPixels / (8 * styles.length));
  await inTurns(places, each, (start, end) => {
    for (let place = start; place < end; place++) {
      let total = 0;
      for (const [k, { weight }] of styles.entries()) {
        total += weight * (means[k * places + place] as number);
      }
      const all = total > 0 ? total : styles.reduce((sum, { weight }) => sum + weight, 0);
      for (const [k, { weight, alpha }] of styles.entries()) {
        const mean = total > 0 ? (means[k * places + place] as number) : 1;
        means[k * places + place] = (alpha * weight * mean) / all;
      }
    }
  });
}

/**
 * Shares of a picture in another size: of each place the mean of those that it covers, or the nearest.
 * @param shares float32 [K, h, w] of the features of a picture of the size `from`
 */
export async function resizeShares(
  shares: Float32Array<ArrayBuffer>,
  from: Size,
  to: Size,
  stride: number,
): Promise<Float32Array<ArrayBuffer>> {
  const [old, made] = [places(from, stride), places(to, stride)];
  const columns = covered(old.width, made.width);
  const rows = covered(old.height, made.height);
  const styles = shares.length / (old.width * old.height);
  const result = new Float32Array(styles * made.width * made.height);
  await inTurns(styles * made.height, Math.ceil(2 ** 16 / old.width), (start, end) => {
    for (let line = start, at = start * made.width; line < end; line++) {
      const first = Math.floor(line / made.height) * old.height;
      const [top, bottom] = rows[line % made.height] as [number, number];
      for (const [left, right] of columns) {
        let sum = 0;
        for (let row = first + top; row < first + bottom; row++) {
          for (let i = row * old.width + left; i < row * old.width + right; i++) {
            sum += shares[i] as number;
          }
        }
        result[at++] = sum / ((bottom - top) * (right - left));
      }
    }
  });
  return result;
}

/** The size of a picture's features. */
function places({ width, height }: Size, stride: number): Size {
  return { width: Math.ceil(width / stride), height: Math.ceil(height / stride) };
}

/** Of each of `count` places in a line the range, one at least, of `old` ones that it covers. */
function covered(old: number, count: number): [number, number][] {
  return Array.from({ length: count }, (_, i) => {
    const start = Math.floor((i * old) / count);
    return [start, Math.max(start + 1, Math.floor(((i + 1) * old) / count))];
  });
}
