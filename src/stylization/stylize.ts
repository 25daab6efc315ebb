import type { Engine, Reservation } from '../engine/types.ts';
import { type Content, openContent } from '../imaging/decode.ts';
import { assertEncodable, encodePicture } from '../imaging/encode.ts';
import type { PictureFormat } from '../imaging/formats.ts';
import type { Stages } from '../observability/stages.ts';
import { blend } from './blend.ts';
import type { EncodeTimes } from './encode-times.ts';
import type { ResolvedStyle, Styles, StyleSource } from './styles.ts';

export interface Stylization {
  readonly content: Buffer;
  /** At least one. */
  readonly styles: readonly StyleSource[];
  /** One a style; undefined means equal. */
  readonly weights: readonly number[] | undefined;
  readonly alpha: number;
  readonly preserveColor: boolean;
  /** Longest side of the result in pixels; undefined means the content's own. */
  readonly size?: number | undefined;
  readonly quality: number;
  /** The result's format, given the content's; throws `not_acceptable`. */
  readonly chooseFormat: (own: PictureFormat) => PictureFormat;
}

export interface StylizedPicture {
  readonly bytes: Buffer;
  readonly format: PictureFormat;
  readonly width: number;
  readonly height: number;
  readonly styleIds: readonly string[];
}

export interface Studio {
  readonly engine: Engine;
  readonly styles: Styles;
  readonly maxPixels: number;
  readonly encodeTimes: EncodeTimes;
}

export interface Progress {
  readonly stages: Stages;
  readonly signal: AbortSignal;
  readonly deadline: number;
}

/**
 * A request's whole way: a place in the engine's line as soon as the size is known, then bytes →
 * pixels and statistics → pixels → bytes. Styles are described at once, which waits in the line too;
 * the content is decoded when its turn is near. Who is refused has cost a look at a header.
 */
export async function stylizePicture(
  studio: Studio,
  request: Stylization,
  progress: Progress,
): Promise<StylizedPicture> {
  const { engine, maxPixels, encodeTimes } = studio;
  const { signal, deadline } = progress;

  const limits = { maxPixels, field: 'content', size: request.size };
  const content = await openContent(request.content, limits);
  const format = request.chooseFormat(content.format);
  assertEncodable(content, format);
  signal.throwIfAborted();

  // Half at most: one slow encoding must not make a format's pictures hopeless for ever.
  const left = deadline - performance.now();
  const painted = deadline - Math.min(encodeTimes.bound(format, content), left / 2);
  const place = engine.reserve(content, { signal, deadline: painted });
  const gone = new AbortController();
  const ending = { ...progress, signal: AbortSignal.any([signal, gone.signal]) };
  try {
    return await stylizeAt(place, content, format, studio, request, ending);
  } finally {
    gone.abort(); // styles that are still being described are not waited for any more
    place.release();
  }
}

async function stylizeAt(
  place: Reservation,
  content: Content,
  format: PictureFormat,
  { styles, encodeTimes }: Studio,
  { styles: sources, weights, alpha, preserveColor, quality }: Stylization,
  { stages, signal }: Progress,
): Promise<StylizedPicture> {
  const [pixels, resolved] = await Promise.all([
    place.near.then(() => stages.measure('decode', () => content.decode())),
    stages.measure('style', () => styles.resolve(sources, signal)),
  ]);
  stages.remark('style', worstOutcome(resolved));
  signal.throwIfAborted();

  const statistics = blend(
    resolved.map((style) => style.statistics),
    weights,
  );
  const stylized = await place.stylize({ image: pixels.image, statistics, alpha, preserveColor });
  stages.record('queue', stylized.queueMs);
  stages.record('infer', stylized.inferMs);
  signal.throwIfAborted();

  const bytes = await stages.measure('encode', () =>
    encodePicture(stylized.value, pixels.alpha, format, quality),
  );
  encodeTimes.learn(format, content, stages.times.get('encode') ?? NaN);
  const { width, height } = content;
  return { bytes, format, width, height, styleIds: resolved.map((style) => style.id) };
}

/** What Server-Timing says of the styles: a miss if any was described for this request. */
function worstOutcome(styles: readonly ResolvedStyle[]): 'hit' | 'miss' {
  return styles.every((style) => style.outcome === 'hit') ? 'hit' : 'miss';
}
