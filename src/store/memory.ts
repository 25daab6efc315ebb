import type { FoundStyle, StoredStyle, StoreOptions, StyleStore } from './types.ts';

interface Entry extends FoundStyle {
  readonly image: Buffer | undefined;
}

/** In this process: registered styles end with it, and uploaded ones are in its cache anyway. */
export function createMemoryStore({ maxStyles, maxMemoryBytes }: StoreOptions): StyleStore {
  const styles = new Map<string, Entry>();
  let held = 0;

  const set = (id: string, entry: Entry | undefined) => {
    held += bytesOf(entry) - bytesOf(styles.get(id));
    if (entry) styles.set(id, entry);
    else styles.delete(id);
  };

  return {
    name: 'memory',
    place: 'memory:',
    generation: 0,
    getStatistics: () => Promise.resolve(undefined),
    putStatistics: () => Promise.resolve(),
    getStyle(id) {
      const entry = styles.get(id);
      if (!entry) return Promise.resolve(undefined);
      const { style, statistics } = entry;
      return Promise.resolve({ style, statistics });
    },
    getImage: ({ id, version }) => {
      const entry = styles.get(id);
      return Promise.resolve(entry?.style.version === version ? entry.image : undefined);
    },
    putStyle(style, statistics, image) {
      const before = styles.get(style.id);
      const entry = { style, statistics, image };
      const isFull =
        (!before && styles.size >= maxStyles) ||
        held + bytesOf(entry) - bytesOf(before) > maxMemoryBytes;
      if (isFull) return Promise.resolve('full');
      set(style.id, entry);
      return Promise.resolve(before ? 'replaced' : 'created');
    },
    describeStyle: () => Promise.resolve(), // the process has one model
    setTexts(id, texts) {
      const before = styles.get(id);
      if (!before) return Promise.resolve(undefined);
      const style = { ...before.style, ...texts };
      set(id, { ...before, style });
      return Promise.resolve(style);
    },
    deleteStyle(id) {
      const known = styles.has(id);
      set(id, undefined);
      return Promise.resolve(known);
    },
    listStyles(after, limit) {
      const ids = [...styles.keys()].filter((id) => id > after).sort();
      const listed = ids.slice(0, limit).map((id) => (styles.get(id) as Entry).style);
      return Promise.resolve<StoredStyle[]>(listed);
    },
    ping: () => Promise.resolve(),
    refuses: () => false,
    close: () => Promise.resolve(),
  };
}

const bytesOf = (entry: Entry | undefined): number => entry?.image?.length ?? 0;
