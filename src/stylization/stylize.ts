import { together } from '../abortable.ts';
import type {
  ColorMode,
  Engine,
  StyleStatistics,
  StylizeInput,
  StylizeTurn,
} from '../engine/index.ts';
import { type Decodable, openContent, type Pixels } from '../imaging/decode.ts';
import { assertEncodable, encodeAnimation, encodePicture, isEncodable } from '../imaging/encode.ts';
import type { AnimationFormat, PictureFormat, ResultFormat } from '../imaging/formats.ts';
import type { Size } from '../rgb-image.ts';
import type { MemoryBudget, RequestMemory } from '../memory-budget.ts';
import type { Stages } from '../observability/stages.ts';
import { type Mixed, mixed } from './blend.ts';
import type { FrameChoice } from './choices.ts';
import type { EncodeTimes } from './encode-times.ts';
import { fittingSide } from './fitting-side.ts';
import { memoryFor, stylesAtOnce } from './footprint.ts';
import { prepareFrames } from './frames.ts';
import { type OpenedMasks, openMasks } from './masks.ts';
import {
  type Passes,
  needsPhotograph,
  passesFor,
  type Prepared,
  prepareStrokes,
  type Strokes,
} from './strokes.ts';
import type { OpenedStyle, ResolvedStyle, Styles, StyleSource } from './styles.ts';

export interface Stylization {
  readonly content: Buffer;
  readonly frames: FrameChoice;
  /** At least one. */
  readonly styles: readonly StyleSource[];
  /** How each of them counts. */
  readonly counts: readonly Mixed[];
  /** Where they are painted: none, one for all of them, or one a style. */
  readonly masks: readonly Buffer[];
  readonly color: ColorMode;
  readonly strokes: Strokes;
  /** Longest side of the result in pixels; undefined means the content's own. */
  readonly size?: number | undefined;
  readonly quality: number;
  /**
   * The result's format, given the content's, which can hold the picture, and whether it is an animation.
   * Throws `not_acceptable`, and `invalid_value` for one that cannot be made of it.
   */
  readonly chooseFormat: (
    own: ResultFormat,
    canHold: (format: ResultFormat) => boolean,
    isAnimation: boolean,
  ) => ResultFormat;
}

export interface StylizedPicture {
  readonly bytes: Buffer;
  readonly format: ResultFormat;
  /** How many there are in it. */
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  readonly styleIds: readonly string[];
}

export interface Stylizer {
  readonly engine: Engine;
  readonly styles: Pick<Styles, 'open'>;
  readonly maxPixels: number;
  readonly maxFrames: number;
  readonly encodeTimes: EncodeTimes;
  /** What is written into results beside their pixels. */
  readonly xmp?: string | undefined;
  readonly memory: MemoryBudget;
}

export interface Progress {
  readonly stages: Stages;
  readonly memory: RequestMemory;
  readonly signal: AbortSignal;
  readonly deadline: number;
  /** Is given, once the sizes are known, what finds the longest side that would be done in time. */
  readonly onMeasured?: (fittingSide: () => number | undefined) => void;
}

/** A fitting picture leaves a quarter of its time to spare, for decoding and for slower runs. */
const usedOfTime = 0.75;

/**
 * A request's whole way: headers and style ids are looked at, the engine reserves its time or
 * refuses, then bytes → pixels and statistics → pixels → bytes. Pixels are decoded and new styles
 * described when the turn is near and there is memory for them; who is refused has cost a look at
 * headers. Settles when all that it started has ended; `memory` then holds the result.
 */
export async function stylizePicture(
  stylizer: Stylizer,
  request: Stylization,
  progress: Progress,
): Promise<StylizedPicture> {
  const over = new AbortController();
  try {
    return await stylize(stylizer, request, progress, over.signal);
  } finally {
    over.abort();
  }
}

async function stylize(
  { engine, styles, maxPixels, maxFrames, encodeTimes, xmp }: Stylizer,
  request: Stylization,
  { stages, memory, signal, deadline, onMeasured }: Progress,
  over: AbortSignal,
): Promise<StylizedPicture> {
  const content = await openContent(request.content, {
    ...{ maxPixels, field: 'content', size: request.size },
    maxFrames: request.frames === 'all' ? maxFrames : undefined,
  });
  const { frames, timing } = content;
  const passes = passesFor(request.strokes, content, Math.floor(maxPixels / frames));
  const { underpainting } = passes;
  const decodable =
    underpainting && !needsPhotograph(request, content) ? content.inSize(underpainting) : content;
  const opened = await styles.open(request.styles, AbortSignal.any([signal, over]));
  const masks = await openMasks(request.masks, request.counts, content, {
    ...{ maxPixels, stride: engine.model.stride, signal },
  });
  const leavesRest = masks.byPlace || request.counts.some(({ alpha }) => alpha < 1);
  const bytesFor = (format: ResultFormat) =>
    memoryFor({ content, decodable, styles: opened, masks, passes, format, leavesRest });
  const format = request.chooseFormat(
    content.format,
    (format) => isEncodable(content, format) && memory.fits(bytesFor(format)),
    timing !== undefined,
  );
  assertEncodable(content, format);
  const bytesInWork = bytesFor(format);
  memory.assertFits(bytesInWork);
  signal.throwIfAborted();

  // Half at most: one slow encoding must not end all hope for a format's pictures.
  const left = deadline - performance.now();
  const encoding = timing && format === 'webp' ? 'animated webp' : format;
  const encoded = { width: content.width, height: frames * content.height };
  const painted = deadline - Math.min(encodeTimes.bound(encoding, encoded), left / 2);
  const newStyles = opened.flatMap(({ newSize }) => newSize ?? []);
  const planOf = ({ painted, underpainting }: Passes) => ({
    ...{ size: painted, underpainting, newStyles, byPlace: masks.byPlace, frames },
  });
  const allowedMs = usedOfTime * (painted - performance.now());
  onMeasured?.(() => {
    const boundMs = (size: Size) =>
      engine.boundMs(planOf(passesFor(request.strokes, size, Infinity)));
    return fittingSide(content, boundMs, allowedMs);
  });
  const kept: Kept = {
    alpha: undefined,
    styleIds: [],
    finish: (painted) => Promise.resolve(painted),
  };
  let waitedMs = 0;
  const stylized = await engine.stylize(
    planOf(passes),
    { signal, deadline: painted },
    async (turn) => {
      const begun = performance.now();
      await memory.paint(bytesInWork, turn.signal);
      waitedMs = performance.now() - begun;
      const input = await prepare(decodable, opened, masks, request, turn, stages, kept);
      const { stride } = engine.model;
      const prepared = timing
        ? await prepareFrames(input, frames, passes, stride, turn, stages)
        : await prepareStrokes(input, passes, stride, turn, stages);
      kept.finish = prepared.finish;
      return prepared.input;
    },
  );
  stages.record('queue', stylized.queueMs + waitedMs);
  stages.record('infer', stylized.inferMs);
  signal.throwIfAborted();

  const result = await kept.finish(stylized.value);
  const begun = performance.now();
  const { quality } = request;
  const bytes = timing
    ? await encodeAnimation(result, kept.alpha, timing, format as AnimationFormat, quality, xmp)
    : await encodePicture(result, kept.alpha, format as PictureFormat, quality, xmp);
  const encodeMs = performance.now() - begun;
  stages.record('encode', encodeMs);
  encodeTimes.learn(encoding, encoded, encodeMs);
  memory.keep(bytes.length);
  const { width, height } = content;
  return { bytes, format, frames, width, height, styleIds: kept.styleIds };
}

/** What the result needs of the request beside the painted pixels. */
interface Kept {
  finish: Prepared['finish'];
  alpha: Pixels['alpha'];
  styleIds: readonly string[];
}

async function prepare(
  content: Decodable,
  opened: readonly OpenedStyle[],
  masks: OpenedMasks,
  { counts, color }: Stylization,
  { describe, signal }: StylizeTurn,
  stages: Stages,
  kept: Kept,
): Promise<StylizeInput> {
  const describing = opened.map(
    (style) => (signal: AbortSignal) => style.resolve(describe, signal),
  );
  const decode = async (signal: AbortSignal) => {
    const pixels = await content.decode(signal);
    return { pixels, places: await masks.decode(signal) };
  };
  const [{ pixels, places }, resolved] = await together(signal, [
    (signal) => stages.measure('decode', () => decode(signal)),
    (signal) => stages.measure('style', () => together(signal, describing, stylesAtOnce)),
  ]);
  stages.remark('style', worstOutcome(resolved));
  kept.alpha = pixels.alpha;
  kept.styleIds = resolved.map(({ id }) => id);
  const statistics = resolved.map((style) => style.statistics);
  const target = places.shares ? eachOf(statistics, counts) : mixed(statistics, counts);
  return { image: pixels.image, color, ...target, ...places };
}

/** Styles with a weight, one after the other; their alphas are in their shares. */
function eachOf(statistics: readonly StyleStatistics[], counts: readonly Mixed[]) {
  const painted = statistics.filter((_, index) => (counts[index]?.weight ?? 0) > 0);
  return { statistics: Float32Array.from(painted.flatMap((one) => [...one])), alpha: 1 };
}

/** What Server-Timing says of the styles: a miss if any was described for this request. */
function worstOutcome(styles: readonly ResolvedStyle[]): 'hit' | 'miss' {
  return styles.every((style) => style.outcome === 'hit') ? 'hit' : 'miss';
}
