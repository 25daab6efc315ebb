import { LRUCache } from 'lru-cache';

import type { StyleStatistics } from '../engine/types.ts';

export type CacheOutcome = 'hit' | 'miss' | 'joined';

export interface Found {
  readonly statistics: Promise<StyleStatistics>;
  readonly outcome: CacheOutcome;
}

interface Entry {
  readonly statistics: Promise<StyleStatistics>;
  settled: boolean;
}

/**
 * The statistics of uploaded styles by style id, least recently used out first. Requests for a
 * style that is being described join the description (single flight); a failed one is forgotten,
 * so that the next request tries again.
 */
export function createStatisticsCache(maxEntries: number) {
  const entries = new LRUCache<string, Entry>({ max: maxEntries });

  const found = ({ statistics, settled }: Entry): Found => ({
    statistics,
    outcome: settled ? 'hit' : 'joined',
  });

  return {
    get size() {
      return entries.size;
    },

    /** What is known of the style, described or being described. */
    get(id: string): Found | undefined {
      const entry = entries.get(id);
      return entry && found(entry);
    },

    /** As `get`, and describes the style where it is not known. */
    getOrDescribe(id: string, describe: () => Promise<StyleStatistics>): Found {
      const known = entries.get(id);
      if (known) return found(known);
      const entry: Entry = { statistics: describe(), settled: false };
      entries.set(id, entry);
      entry.statistics.then(
        () => {
          entry.settled = true;
        },
        () => {
          if (entries.peek(id) === entry) entries.delete(id);
        },
      );
      return { statistics: entry.statistics, outcome: 'miss' };
    },
  };
}
