import type { Engine } from '../engine/types.ts';
import { decodeContent } from '../imaging/decode.ts';
import { assertEncodable, encodePicture } from '../imaging/encode.ts';
import type { PictureFormat } from '../imaging/formats.ts';
import type { Stages } from '../observability/stages.ts';
import { blend } from './blend.ts';
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
}

export interface Progress {
  readonly stages: Stages;
  readonly signal: AbortSignal;
  readonly deadline: number;
}

/** A request's whole way: bytes → pixels and statistics → pixels → bytes. */
export async function stylizePicture(
  { engine, styles, maxPixels }: Studio,
  request: Stylization,
  { stages, signal, deadline }: Progress,
): Promise<StylizedPicture> {
  const { size, weights, alpha, preserveColor, quality } = request;

  const [content, resolved] = await Promise.all([
    stages.measure('decode', () =>
      decodeContent(request.content, {
        maxPixels,
        field: 'content',
        size,
      }),
    ),
    stages.measure('style', () => styles.resolve(request.styles)),
  ]);
  stages.remark('style', worstOutcome(resolved));
  const format = request.chooseFormat(content.format);
  assertEncodable(content.image, format);
  signal.throwIfAborted();

  const statistics = blend(
    resolved.map((style) => style.statistics),
    weights,
  );
  const { width, height } = content.image;
  const stylized = await engine.stylize(
    { image: content.image, statistics, alpha, preserveColor },
    { signal, deadline },
  );
  stages.record('queue', stylized.queueMs);
  stages.record('infer', stylized.inferMs);
  signal.throwIfAborted();

  const bytes = await stages.measure('encode', () =>
    encodePicture(stylized.value, content.alpha, format, quality),
  );
  return { bytes, format, width, height, styleIds: resolved.map((style) => style.id) };
}

/** What Server-Timing says of the styles: a miss if any was described for this request. */
function worstOutcome(styles: readonly ResolvedStyle[]): 'hit' | 'miss' {
  return styles.every((style) => style.outcome === 'hit') ? 'hit' : 'miss';
}
