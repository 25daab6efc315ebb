import { LRUCache } from 'lru-cache';

import type { StyleStatistics } from '../engine/index.ts';

export const cacheOutcomes = ['hit', 'miss', 'joined'] as const;
export type CacheOutcome = (typeof cacheOutcomes)[number];

export interface Found {
  readonly statistics: Promise<StyleStatistics>;
  readonly outcome: CacheOutcome;
}

interface Entry {
  readonly statistics: Promise<StyleStatistics>;
  settled: boolean;
  /** How many requests wait for the description. */
  waiting: number;
  /** Ends the description. */
  readonly abandoned: AbortController;
}

/** Describes a style, or gives up when the signal fires. */
export type Describe = (signal: AbortSignal) => Promise<StyleStatistics>;

/**
 * The statistics of uploaded styles by style id, least recently used out first. Requests for a
 * style that is being described join the description (single flight), which ends early only when
 * all of them are gone; a failed one is forgotten, so that the next request tries again.
 */
export function createStatisticsCache(maxEntries: number) {
  const entries = new LRUCache<string, Entry>({ max: maxEntries });

  const forget = (id: string, entry: Entry) => {
    if (entries.peek(id) === entry) entries.delete(id);
  };

  function join(id: string, entry: Entry, signal: AbortSignal): void {
    entry.waiting++;
    const leave = () => {
      if (--entry.waiting > 0 || entry.settled) return;
      forget(id, entry); // who comes now needs a description of its own
      entry.abandoned.abort();
    };
    if (signal.aborted) {
      leave();
      return;
    }
    signal.addEventListener('abort', leave, { once: true });
    // Node 20 keeps a composite signal for as long as it has a listener.
    const stay = () => {
      signal.removeEventListener('abort', leave);
    };
    entry.statistics.then(stay, stay);
  }

  function found(id: string, entry: Entry, signal: AbortSignal): Found {
    if (entry.settled) return { statistics: entry.statistics, outcome: 'hit' };
    join(id, entry, signal);
    return { statistics: entry.statistics, outcome: 'joined' };
  }

  return {
    get size() {
      return entries.size;
    },

    /** What is known of the style, described or being described. `signal` ends the request. */
    get(id: string, signal: AbortSignal): Found | undefined {
      const entry = entries.get(id);
      return entry && found(id, entry, signal);
    },

    /** Adds what was described elsewhere. */
    add(id: string, statistics: StyleStatistics): Found {
      const known = Promise.resolve(statistics);
      entries.set(id, {
        statistics: known,
        settled: true,
        waiting: 0,
        abandoned: new AbortController(),
      });
      return { statistics: known, outcome: 'hit' };
    },

    /** As `get`, and describes the style where it is not known. */
    getOrDescribe(id: string, signal: AbortSignal, describe: Describe): Found {
      const known = entries.get(id);
      if (known) return found(id, known, signal);
      const abandoned = new AbortController();
      const statistics = describe(abandoned.signal);
      const entry: Entry = { statistics, settled: false, waiting: 0, abandoned };
      entries.set(id, entry);
      join(id, entry, signal);
      entry.statistics.then(
        () => {
          entry.settled = true;
        },
        () => {
          forget(id, entry);
        },
      );
      return { statistics: entry.statistics, outcome: 'miss' };
    },
  };
}
