/**
 * All frames of an animation, painted with statistics in common: of each scene, as contents and as
 * underpaintings (scenes.ts).
 */
import { together } from '../abortable.ts';
import type { Seen, StyleStatistics, StylizeInput, StylizeTurn } from '../engine/index.ts';
import { framesOf } from '../imaging/animation.ts';
import type { Content, DecodeMemory } from '../imaging/decode.ts';
import { resizePixels } from '../imaging/resize.ts';
import type { Stages } from '../observability/stages.ts';
import type { RgbImage } from '../rgb-image.ts';
import { resizeShares } from './masks.ts';
import { mergedStatistics, scenesOf } from './scenes.ts';
import { type Passes, prepareStrokes, type Prepared } from './strokes.ts';

/** While one is painted the next is got ready. */
const framesAtOnce = 2;

/**
 * Paints all frames but the last, for which it returns what the engine is to paint. The result has the
 * place of the photographs in memory.
 * @param input of all frames; its image has them one below the other, the rest is for each of them
 */
export async function prepareFrames(
  input: StylizeInput,
  count: number,
  passes: Passes,
  stride: number,
  turn: StylizeTurn,
  stages: Stages,
): Promise<Prepared> {
  const begun = performance.now();
  const frames = framesOf(input.image, count);
  const scenes = await scenesOf(frames);
  const inputs = frames.map((image): StylizeInput => ({ ...input, image }));
  const of = <T>(work: (frame: StylizeInput, index: number) => Promise<T>) =>
    together<readonly T[]>(
      turn.signal,
      inputs.map((frame, index) => () => work(frame, index)),
      framesAtOnce,
    );
  const share = async (seenOf: (frame: StylizeInput, index: number) => Promise<Seen>) => {
    const found = await of(async (frame, index) => {
      const { image, alpha, shares } = await seenOf(frame, index);
      const own = { ...image, data: image.data.slice() };
      return (await turn.measure(withOwn({ image: own, alpha, shares }))).value;
    });
    return sharedIn(scenes, found);
  };

  const { underpainting } = passes;
  const below =
    underpainting &&
    (await share(async ({ image, alpha, shares }) => ({
      ...{ image: await resizePixels(image, underpainting, turn.signal), alpha },
      shares: shares && (await resizeShares(shares, image, underpainting, stride)),
    })));
  const prepared = await of((frame, index) => {
    const paint = (input: StylizeInput) => turn.paint({ ...input, content: below?.[index] });
    return prepareStrokes(frame, passes, stride, { signal: turn.signal, paint }, stages);
  });
  const contents = await share((_, index) => Promise.resolve((prepared[index] as Prepared).input));
  const finish = async (index: number, painted: RgbImage) => {
    const { data } = await (prepared[index] as Prepared).finish(painted);
    (frames[index] as RgbImage).data.set(data);
  };
  const toPaint = (index: number): StylizeInput =>
    withOwn({ ...(prepared[index] as Prepared).input, content: contents[index] });
  await of(async (_, index) => {
    if (index === count - 1) return;
    await finish(index, (await turn.paint(toPaint(index))).value);
  });
  stages.record('frames', performance.now() - begun);
  return {
    input: toPaint(count - 1),
    async finish(painted) {
      await finish(count - 1, painted);
      return input.image;
    },
  };
}

/**
 * What painting them takes at most, in bytes, beside the photographs and their masks.
 * @param scaling what it takes to scale one
 */
export function framesBytes(
  { frames, width, height }: Content,
  { painted, underpainting }: Passes,
  masks: DecodeMemory,
  scaling: number,
): number {
  const pixels = painted.width * painted.height;
  const isScaled = underpainting !== undefined || pixels !== width * height;
  // In the size in which they are painted last, with the shares of eight styles at most.
  const prepared = isScaled ? 3.5 * pixels * frames : 0;
  // To a worker goes a copy, with one of the photograph and of the masks; a painting comes back.
  const inWork = 6 * pixels + 3 * width * height + masks.heldBytes;
  return prepared + framesAtOnce * (inWork + scaling);
}

/** For so many bytes the garbage collector comes. */
const mostWaitingBytes = 80 * 2 ** 20;

/**
 * What waits for the garbage collector at most while frames are painted and encoded: what was decoded
 * before it was copied, copies that were measured and painted, and paintings.
 */
export function waitingBytes({ frames, width, height }: Content, { painted }: Passes): number {
  const pixels = 4 * width * height + 9 * painted.width * painted.height;
  return Math.min(frames * pixels, mostWaitingBytes);
}

/** With copies of masks, which are transferred with a run and all frames need. */
function withOwn<T extends Pick<StylizeInput, 'shares' | 'coverage'>>(seen: T): T {
  const { shares, coverage } = seen;
  return {
    ...seen,
    ...(shares && { shares: shares.slice() }),
    ...(coverage && { coverage: coverage.slice() }),
  };
}

/** Of each frame the statistics of its scene. */
function sharedIn(scenes: readonly number[], found: readonly StyleStatistics[]) {
  const merged = [...new Set(scenes)].map((scene) =>
    mergedStatistics(found.filter((_, index) => scenes[index] === scene)),
  );
  return scenes.map((scene) => merged[scene]);
}
