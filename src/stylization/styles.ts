import type { Engine, StyleStatistics } from '../engine/types.ts';
import { ServiceError } from '../errors.ts';
import { decodeStyle } from '../imaging/decode.ts';
import { pixelDigest } from '../imaging/digest.ts';
import type { Metrics } from '../observability/metrics.ts';
import { readPicture, type Catalogue } from './catalogue.ts';
import { createStatisticsCache, type CacheOutcome, type Found } from './statistics-cache.ts';

/** A style as a request names it. */
export type StyleSource =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'picture'; readonly bytes: Buffer };

export interface ResolvedStyle {
  readonly id: string;
  readonly statistics: StyleStatistics;
  readonly outcome: CacheOutcome;
}

export interface StylesOptions {
  readonly engine: Engine;
  readonly catalogue: Catalogue;
  readonly metrics: Metrics;
  readonly styleSize: number;
  readonly maxPixels: number;
  readonly maxCached: number;
}

export type Styles = Awaited<ReturnType<typeof createStyles>>;

/** Describes all presets, then turns a request's styles into statistics. */
export async function createStyles(options: StylesOptions) {
  const { engine, catalogue, metrics, styleSize, maxPixels } = options;
  const cache = createStatisticsCache(options.maxCached);

  const presets = new Map<string, StyleStatistics>();
  for (const { id, path } of catalogue.values()) {
    // Whoever deploys the service chose these files: they need no limit.
    const limits = { styleSize, maxPixels: Infinity, field: path };
    const image = await readPicture(path, (bytes) => decodeStyle(bytes, limits));
    presets.set(id, (await engine.describe(image)).value);
  }

  const counted = async (id: string, { statistics, outcome }: Found): Promise<ResolvedStyle> => {
    metrics.styleCacheRequests.inc({ result: outcome });
    metrics.styleCacheEntries.set(cache.size);
    return { id, statistics: await statistics, outcome };
  };

  const resolveId = async (id: string, signal: AbortSignal): Promise<ResolvedStyle> => {
    const preset = presets.get(id);
    if (preset) return { id, statistics: preset, outcome: 'hit' };
    const known = cache.get(id, signal);
    if (known) return counted(id, known);
    const text = `There is no style "${id}" here. GET /styles lists the presets; an uploaded style's id is known only while it is cached: send the picture again.`;
    throw new ServiceError('unknown_style', text, { field: 'styleId' });
  };

  const resolvePicture = async (bytes: Buffer, signal: AbortSignal): Promise<ResolvedStyle> => {
    const image = await decodeStyle(bytes, { styleSize, maxPixels, field: 'style' });
    const id = `sha256-${pixelDigest(image)}`;
    return counted(
      id,
      cache.getOrDescribe(id, signal, async (abandoned) => {
        return (await engine.describe(image, { signal: abandoned })).value;
      }),
    );
  };

  return {
    /** Statistics of the styles, in their order. `signal` ends the request. */
    resolve: (sources: readonly StyleSource[], signal: AbortSignal): Promise<ResolvedStyle[]> =>
      Promise.all(
        sources.map((source) =>
          source.kind === 'id'
            ? resolveId(source.id, signal)
            : resolvePicture(source.bytes, signal),
        ),
      ),
  };
}
