import { readFile } from 'node:fs/promises';

import type { Engine, StyleStatistics } from '../engine/types.ts';
import { ServiceError } from '../errors.ts';
import { decodeStyle } from '../imaging/decode.ts';
import { pixelDigest } from '../imaging/digest.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { RgbImage } from '../rgb-image.ts';
import type { Catalogue } from './catalogue.ts';
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
  /** Time that a description may take; it serves all who joined it, so no single one may end it. */
  readonly describeTimeoutMs: number;
}

export type Styles = Awaited<ReturnType<typeof createStyles>>;

/** Describes all presets, then turns a request's styles into statistics. */
export async function createStyles(options: StylesOptions) {
  const { engine, catalogue, metrics, styleSize, maxPixels } = options;
  const cache = createStatisticsCache(options.maxCached);

  const describe = async (image: RgbImage) => {
    const deadline = performance.now() + options.describeTimeoutMs;
    return (await engine.describe(image, { deadline })).value;
  };

  const presets = new Map<string, StyleStatistics>();
  for (const { id, path } of catalogue.values()) {
    // Whoever deploys the service chose these files: they need no limit.
    const limits = { styleSize, maxPixels: Infinity, field: path };
    presets.set(id, await describe(await decodeStyle(await readFile(path), limits)));
  }

  const counted = async (id: string, { statistics, outcome }: Found): Promise<ResolvedStyle> => {
    metrics.styleCacheRequests.inc({ result: outcome });
    metrics.styleCacheEntries.set(cache.size);
    return { id, statistics: await statistics, outcome };
  };

  const resolveId = async (id: string): Promise<ResolvedStyle> => {
    const preset = presets.get(id);
    if (preset) return { id, statistics: preset, outcome: 'hit' };
    const known = cache.get(id);
    if (known) return counted(id, known);
    const text = `There is no style "${id}" here. GET /styles lists the presets; an uploaded style's id is known only while it is cached: send the picture again.`;
    throw new ServiceError('unknown_style', text, { field: 'styleId' });
  };

  const resolvePicture = async (bytes: Buffer): Promise<ResolvedStyle> => {
    const image = await decodeStyle(bytes, { styleSize, maxPixels, field: 'style' });
    const id = `sha256-${pixelDigest(image)}`;
    return counted(
      id,
      cache.getOrDescribe(id, () => describe(image)),
    );
  };

  return {
    /** Statistics of the styles, in their order. */
    resolve: (sources: readonly StyleSource[]): Promise<ResolvedStyle[]> =>
      Promise.all(
        sources.map((source) =>
          source.kind === 'id' ? resolveId(source.id) : resolvePicture(source.bytes),
        ),
      ),
  };
}
