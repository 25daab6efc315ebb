import { abortable, together } from '../abortable.ts';
import type { DescribeStyle, Engine, StyleStatistics } from '../engine/index.ts';
import { ServiceError } from '../errors.ts';
import { openStyle, type DecodeMemory } from '../imaging/decode.ts';
import { pixelDigest } from '../imaging/digest.ts';
import type { Metrics } from '../observability/metrics.ts';
import { nearest } from '../nearest.ts';
import type { Size } from '../rgb-image.ts';
import { orPassOver, readPicture, type Catalog, type Preset, type Warn } from './catalog.ts';
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

/** A style that was looked up; nothing of it has been decoded. */
export interface OpenedStyle extends DecodeMemory {
  /** The size in which its picture may have to be described; undefined for a known style. */
  readonly newSize: Size | undefined;
  /** Its statistics, described where they are not known. `signal` ends the request. */
  resolve(describe: DescribeStyle, signal: AbortSignal): Promise<ResolvedStyle>;
}

const nothingToDecode = { newSize: undefined, decodeBytes: 0, heldBytes: 0 };

export interface StylesOptions {
  readonly engine: Engine;
  readonly catalog: Catalog;
  readonly warn: Warn;
  readonly metrics: Metrics;
  readonly styleSize: number;
  readonly maxPixels: number;
  readonly maxCached: number;
}

export type Styles = Awaited<ReturnType<typeof createStyles>>;

/**
 * Describes all presets, then turns a request's styles into statistics.
 * @throws Error that names a required preset that cannot be described, or what the engine rejects with
 */
export async function createStyles(options: StylesOptions) {
  const { engine, catalog, warn, metrics, styleSize, maxPixels } = options;
  const cache = createStatisticsCache(options.maxCached);

  const presets = new Map<string, Preset>();
  const described = new Map<string, StyleStatistics>();
  for (const preset of catalog.values()) {
    const { id, path } = preset;
    // Whoever deploys the service chose these files: they need no limit.
    const limits = { styleSize, maxPixels: Infinity, field: path };
    const image = await orPassOver(preset, warn, () =>
      readPicture(path, async (bytes) => {
        const picture = await openStyle(bytes, limits);
        return picture.decode();
      }),
    );
    if (!image) continue;
    described.set(id, (await engine.describe(image)).value);
    presets.set(id, preset);
  }

  const counted = async (id: string, found: Found, signal: AbortSignal): Promise<ResolvedStyle> => {
    const { statistics, outcome } = found;
    metrics.styleCacheRequests.inc({ result: outcome });
    metrics.styleCacheEntries.set(cache.size);
    return { id, statistics: await abortable(signal, statistics), outcome };
  };

  const openId = (id: string, ending: AbortSignal): OpenedStyle => {
    const statistics = described.get(id);
    if (statistics) {
      const preset = { id, statistics, outcome: 'hit' as const };
      return { ...nothingToDecode, resolve: () => Promise.resolve(preset) };
    }
    const known = cache.get(id, ending);
    if (known) {
      return { ...nothingToDecode, resolve: (_, signal) => counted(id, known, signal) };
    }
    const meant = nearest(id, presets.keys());
    const hint = meant ? ` Did you mean ${meant}?` : '';
    const text = `There is no style "${id}" here.${hint} GET /styles lists the presets; an uploaded style's id is known only while it is cached: send the picture again.`;
    throw new ServiceError('unknown_style', text, { field: 'styleId' });
  };

  const openPicture = async (bytes: Buffer): Promise<OpenedStyle> => {
    const picture = await openStyle(bytes, { styleSize, maxPixels, field: 'style' });
    const { decodeBytes, heldBytes } = picture;
    return {
      ...{ newSize: picture, decodeBytes, heldBytes },
      async resolve(describe, signal) {
        const image = await picture.decode(signal);
        signal.throwIfAborted();
        const id = `sha256-${pixelDigest(image)}`;
        const found = cache.getOrDescribe(id, signal, async (abandoned) => {
          return (await describe(image, { signal: abandoned })).value;
        });
        return counted(id, found, signal);
      },
    };
  };

  return {
    /** Those of the catalog that can be painted in. */
    presets,
    /**
     * Looks the styles up, in their order: ids first, then the headers of pictures.
     * @param ending fires when the request is over
     * @throws ServiceError `unknown_style`, and what openStyle rejects with
     */
    async open(
      sources: readonly StyleSource[],
      ending: AbortSignal,
    ): Promise<readonly OpenedStyle[]> {
      const opened = sources.map((source) =>
        source.kind === 'id' ? openId(source.id, ending) : source,
      );
      return together<readonly OpenedStyle[]>(
        ending,
        opened.map((one) => async () => ('bytes' in one ? openPicture(one.bytes) : one)),
      );
    },
  };
}
