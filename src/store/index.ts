import { createFolderStore } from './folder.ts';
import { createMemoryStore } from './memory.ts';
import { createRedisStore } from './redis.ts';
import type { StoreOptions, StyleStore } from './types.ts';

export { draft, draftPrefix } from './drafts.ts';
export { guardStore, storeResults, type GuardedStore, type StoreEvents } from './guard.ts';
export { sweepDrafts } from './sweep.ts';
export { fromBytes, storeNames, toBytes } from './types.ts';
export type { FoundStyle, Put, StoredStyle, StoreOptions, StyleStore, Texts } from './types.ts';

/** What ADAIN_STYLE_STORE takes. */
export const storePattern = /^(memory:|folder:\/.*|rediss?:\/\/[^/\s]+(\/\d*)?(\?\S*)?)$/;

/** Opens the store at a place that `storePattern` takes, which may be away. */
export async function openStore(place: string, options: StoreOptions): Promise<StyleStore> {
  if (place === 'memory:') return createMemoryStore(options);
  if (place.startsWith('folder:')) return createFolderStore(place.slice('folder:'.length), options);
  return createRedisStore(place, options);
}
