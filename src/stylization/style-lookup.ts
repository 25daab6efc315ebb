import { LRUCache } from 'lru-cache';

import { abortable } from '../abortable.ts';
import type { StyleStatistics } from '../engine/index.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { FoundStyle, GuardedStore, StoredStyle } from '../store/index.ts';
import { createStatisticsCache, type CacheOutcome, type Found } from './statistics-cache.ts';

/** A style picture's own id: the digest of its pixels. */
export const isPictureId = (id: string): boolean => /^sha256-[0-9a-f]{64}$/.test(id);

export interface ResolvedStyle {
  readonly id: string;
  readonly statistics: StyleStatistics;
  readonly outcome: CacheOutcome;
}

interface LookupOptions {
  readonly store: GuardedStore;
  readonly metrics: Metrics;
  readonly maxCached: number;
  /** How long an uploaded style is known everywhere after its last use. */
  readonly ttlMs: number;
}

/** An uploaded style in use is kept anew after this share of its time. */
export const renewalShare = 1 / 4;

export type StyleLookup = ReturnType<typeof createStyleLookup>;

/**
 * Styles that are no presets, in this process and behind it in the store. What the process knows is
 * used while the store is away; a style that is registered is looked up there each time else, since
 * others may replace it.
 */
export function createStyleLookup({ store, metrics, maxCached, ttlMs }: LookupOptions) {
  const cache = createStatisticsCache(maxCached);
  const kept = new LRUCache<string, Promise<void>>({ max: maxCached, ttl: renewalShare * ttlMs });
  const seen = new LRUCache<string, FoundStyle>({ max: maxCached });

  let { generation } = store;

  /** Who uses an uploaded style may use it elsewhere from then on. */
  async function keep(id: string, statistics: StyleStatistics): Promise<void> {
    if (store.generation !== generation) {
      kept.clear();
      ({ generation } = store);
    }
    const known = kept.get(id);
    if (known) return known;
    const keeping = store.putStatistics(id, statistics).catch(() => {
      kept.delete(id); // the next use tries again
    });
    kept.set(id, keeping);
    return keeping;
  }

  async function stored(id: string): Promise<StyleStatistics | undefined> {
    const statistics = await store.getStatistics(id).catch(() => undefined);
    if (statistics) kept.set(id, Promise.resolve());
    return statistics;
  }

  async function counted(
    id: string,
    { statistics, outcome }: Found,
    signal: AbortSignal,
  ): Promise<ResolvedStyle> {
    metrics.styleCacheRequests.inc({ result: outcome });
    metrics.styleCacheEntries.set(cache.size);
    return { id, statistics: await abortable(signal, statistics), outcome };
  }

  return {
    /** An uploaded style, if it is known here or in the store. `signal` ends the request. */
    async findUpload(id: string, signal: AbortSignal): Promise<Found | undefined> {
      const known = cache.get(id, signal);
      if (known) return known;
      const statistics = await stored(id);
      return statistics && cache.add(id, statistics);
    },

    /** Its statistics, counted, and kept for the next use. */
    async useUpload(id: string, found: Found, signal: AbortSignal): Promise<ResolvedStyle> {
      const resolved = await counted(id, found, signal);
      await keep(id, resolved.statistics);
      return resolved;
    },

    /** As both, and describes the style where nobody knows it. */
    async useOrDescribe(
      id: string,
      signal: AbortSignal,
      describe: (signal: AbortSignal) => Promise<StyleStatistics>,
    ): Promise<ResolvedStyle> {
      const from = { store: false };
      const found = cache.getOrDescribe(id, signal, async (abandoned) => {
        const statistics = await stored(id);
        from.store = statistics !== undefined;
        abandoned.throwIfAborted();
        return statistics ?? describe(abandoned);
      });
      const resolved = await counted(id, found, signal);
      await keep(id, resolved.statistics);
      return from.store ? { ...resolved, outcome: 'hit' } : resolved;
    },

    /** A registered style. Rejects with `store_unavailable` where that cannot be told. */
    async findRegistered(id: string): Promise<FoundStyle | undefined> {
      try {
        const found = await store.getStyle(id, seen.has(id));
        if (found) seen.set(id, found);
        else seen.delete(id);
        return found;
      } catch (error) {
        const known = seen.get(id);
        if (known) return known;
        throw error;
      }
    },

    /** The statistics of a registered style that this model has not described. */
    async describeRegistered(
      style: StoredStyle,
      signal: AbortSignal,
      describe: (signal: AbortSignal) => Promise<StyleStatistics>,
    ): Promise<ResolvedStyle> {
      const { id, version } = style;
      const found = cache.getOrDescribe(`${id}@${version}`, signal, async (abandoned) => {
        const statistics = await describe(abandoned);
        seen.set(id, { style, statistics });
        // Whether or not others may profit: this process knows it now.
        await store.describeStyle(style, statistics).catch(() => undefined);
        return statistics;
      });
      return counted(id, found, signal);
    },
  };
}
