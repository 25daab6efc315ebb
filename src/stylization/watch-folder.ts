import { realpath } from 'node:fs/promises';

import { listFolder, reasonOf, stampOf, UnusableStyle } from './catalog.ts';
import type { CatalogEntry, StylesFolder } from './catalog.ts';

/** A picture that a folder lists, and the state in which its file was found. */
export interface Found {
  readonly entry: CatalogEntry;
  /** Another one means another state. */
  readonly stamp: string;
  /** Why it cannot be used in this state, as far as that is seen without reading it. */
  readonly error?: UnusableStyle;
  /** Whether the last look found it in the same state; true at the first: else it may be being written. */
  readonly isSettled: boolean;
}

/**
 * Makes a function that looks a folder through without reading pictures. Nothing but that tells what
 * has changed on volumes of other machines.
 * @param taken where another folder's ids are, by id
 */
export function createLook(
  folder: StylesFolder,
  taken: ReadonlyMap<string, { readonly path: string }>,
  complain: (error: UnusableStyle) => void,
): () => Promise<readonly Found[]> {
  let last: ReadonlyMap<string, string> | undefined;
  return async () => {
    const entries = await listFolder(folder, complain, taken);
    const root = await realpath(folder.path);
    const found: Found[] = [];
    for (const entry of entries.values()) {
      const state = await stampOf(entry.path, root).then(
        (stamp) => ({ stamp }),
        (error: unknown) => ({ stamp: reasonOf(error), error: error as UnusableStyle }),
      );
      const isSettled = last === undefined || last.get(entry.path) === state.stamp;
      found.push({ entry, ...state, isSettled });
    }
    last = new Map(found.map(({ entry, stamp }) => [entry.path, stamp]));
    return found;
  };
}
