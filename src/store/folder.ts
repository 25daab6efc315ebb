import { readdir, readFile, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';

import { draft, isDraft } from './drafts.ts';
import { makeFolder, syncFolder } from './folders.ts';
import { ifGone, locked } from './lock.ts';
import { readStyle, writtenStyle, type WrittenStyle } from './style-file.ts';
import { sweep } from './sweep.ts';
import {
  fromBytes,
  toBytes,
  type StoredStyle,
  type StoreOptions,
  type StyleStore,
} from './types.ts';

/** After as many uploads it is seen whether there are too many. */
const putsBetweenSweeps = 256;
const hourMs = 3_600_000;

/**
 * In a folder, which several processes and machines may share: `styles/<id>` for each registered
 * style, `statistics/<model>/<id>` for each upload, whose file's time is that of its last use. Each
 * file comes and goes by one rename or unlink; who judges by what is there holds `lock`.
 */
export function createFolderStore(root: string, options: StoreOptions): StyleStore {
  const { model, statisticsLength, maxStyles, ttlMs, warn } = options;
  const stylesFolder = join(root, 'styles');
  const stylePath = (id: string) => join(stylesFolder, id);
  const uploadPath = (id: string) => join(root, 'statistics', model, id);

  let puts = 0;
  let sweeping: Promise<void> = Promise.resolve();
  const tidy = () => {
    // What cannot be tidied now can be next time.
    sweeping = sweeping.then(() => sweep(root, options)).catch(() => undefined);
  };
  tidy();
  const timer = setInterval(tidy, hourMs).unref();

  let writing: Promise<unknown> = Promise.resolve();
  /** In turn: many who try for the lock at once would take so long that the store seems away. */
  const withLock = <T>(work: () => Promise<T>): Promise<T> => {
    const written = writing.then(async () => {
      await makeFolder(stylesFolder);
      return locked(join(root, 'lock'), work);
    });
    writing = written.catch(() => undefined);
    return written;
  };
  /** A file that was damaged by others is as good as none, but not unheard. */
  const read = async (id: string, withImage = false): Promise<WrittenStyle | undefined> => {
    try {
      return await readStyle(stylePath(id), withImage);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      warn(`${stylePath(id)} is no style (${error.message}). Delete it, or register it anew.`);
      return undefined;
    }
  };
  const listIds = async (): Promise<string[]> => {
    const names = (await readdir(stylesFolder).catch(ifGone)) ?? [];
    return names.filter((name) => !isDraft(name)).sort();
  };
  const change = async (id: string, changed: (before: WrittenStyle) => WrittenStyle | undefined) =>
    withLock(async () => {
      const before = await read(id, true);
      const after = before && changed(before);
      if (after) await (await draft(stylePath(id), writtenStyle(after))).publish();
      return after?.style;
    });

  return {
    name: 'folder',
    place: `folder:${root}`,
    generation: 0,
    async getStatistics(id) {
      const path = uploadPath(id);
      const bytes = await readFile(path).catch(ifGone);
      const found = bytes && (await stat(path).catch(ifGone));
      const now = Date.now();
      if (!found || now - found.mtimeMs > ttlMs) return undefined;
      // Where it may not be written others keep the time.
      await utimes(path, now / 1000, now / 1000).catch(() => undefined);
      return fromBytes(bytes, statisticsLength);
    },
    async putStatistics(id, statistics) {
      await (await draft(uploadPath(id), toBytes(statistics), false)).publish();
      puts++;
      if (puts % putsBetweenSweeps === 0) tidy();
    },
    async getStyle(id) {
      const found = await read(id);
      if (!found) return undefined;
      const { style, statistics } = found;
      const isOwn = statistics.model === model;
      return { style, statistics: fromBytes(isOwn ? statistics.bytes : null, statisticsLength) };
    },
    async getImage({ id, version }) {
      const found = await read(id, true);
      return found?.style.version === version ? found.image : undefined;
    },
    async putStyle(style, statistics, image) {
      const written = { style, statistics: { model, bytes: toBytes(statistics) }, image };
      const made = await draft(stylePath(style.id), writtenStyle(written));
      try {
        return await withLock(async () => {
          const ids = await listIds();
          const known = ids.includes(style.id);
          if (!known && ids.length >= maxStyles) return 'full';
          await made.publish();
          return known ? 'replaced' : 'created';
        });
      } finally {
        await made.discard();
      }
    },
    async describeStyle({ id, version }, statistics) {
      const own = { model, bytes: toBytes(statistics) };
      await change(id, (before) =>
        before.style.version === version ? { ...before, statistics: own } : undefined,
      );
    },
    setTexts: (id, texts) =>
      change(id, (before) => ({ ...before, style: { ...before.style, ...texts } })),
    deleteStyle: (id) =>
      withLock(async () => {
        const known = (await unlink(stylePath(id)).then(() => true, ifGone)) ?? false;
        if (known) await syncFolder(stylesFolder);
        return known;
      }),
    async listStyles(after, limit) {
      const listed: StoredStyle[] = [];
      for (const id of await listIds()) {
        if (listed.length >= limit) break;
        const found = id > after ? await read(id) : undefined;
        if (found) listed.push(found.style);
      }
      return listed;
    },
    async ping() {
      await makeFolder(stylesFolder);
    },
    refuses: (error) => refusals.has((error as NodeJS.ErrnoException).code ?? ''),
    async close() {
      clearInterval(timer);
      await sweeping;
    },
  };
}

const refusals = new Set(['EACCES', 'EDQUOT', 'EFBIG', 'ENOSPC', 'EPERM', 'EROFS']);
