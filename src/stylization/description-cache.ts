import { join } from 'node:path';

import type { StyleStatistics } from '../engine/index.ts';
import { draft, sweepDrafts, type GuardedStore } from '../store/index.ts';
import { reasonOf } from './catalog.ts';
import {
  describedFile,
  readDescribed,
  sha256,
  type DescribedBy,
  type DescribedPicture,
  type KeptDescription,
} from './described-file.ts';
import type { PresetsLog } from './presets-report.ts';

export interface CacheOptions {
  /** The operator's, with the pictures. */
  readonly folder: string;
  readonly by: DescribedBy;
  /** How many numbers the statistics of one picture are. */
  readonly length: number;
  readonly store: Pick<GuardedStore, 'name' | 'getStatistics' | 'putStatistics'>;
  /** After so long what is kept in the store is kept anew, since its time there ends. */
  readonly renewalMs: number;
  readonly log: Pick<PresetsLog, 'info'>;
}

export type DescriptionCache = Awaited<ReturnType<typeof openDescriptionCache>>;

/**
 * Statistics of the operator's pictures, kept in a file in their folder, or in the store where that
 * cannot be written, so that the next start need not describe them.
 */
export async function openDescriptionCache(options: CacheOptions) {
  const { folder, by, length, store, renewalMs, log } = options;
  // In a folder of its own, where drafts of processes that were killed can be told from other files.
  const isLasting = store.name !== 'memory';
  const own = join(folder, '.adain');
  const path = join(own, 'statistics');
  const kept = await readDescribed(path, by, length).catch((error: unknown) => {
    const isThere = (error as NodeJS.ErrnoException).code !== 'ENOENT';
    if (isThere) log.info({ file: path, reason: reasonOf(error) }, 'presets are described anew');
    return [];
  });
  let known: ReadonlyMap<string, DescribedPicture> = byDigest(kept);
  await sweepDrafts(own, Date.now()).catch(() => undefined); // of a folder that may only be read

  let isWritable = true;
  let written = statesOf(kept);
  /** When those that are in the store were put there last. */
  const put = new Map<string, number>();
  // The file says what all of its statistics depend on; in the store each one's name must.
  const nameOf = (digest: string) =>
    `preset-${sha256([by.styleSize, by.service, digest].join(' '))}`;

  async function write(pictures: readonly KeptDescription[]): Promise<void> {
    written = statesOf(pictures);
    try {
      await (await draft(path, describedFile(by, pictures), false)).publish();
    } catch (error) {
      isWritable = false;
      const where = isLasting
        ? 'they are kept in the store'
        : 'the next start describes them again';
      log.info({ file: path, reason: reasonOf(error) }, `descriptions cannot be written: ${where}`);
    }
  }

  /** Until one is refused, or the store is away. */
  async function putAll(pictures: readonly DescribedPicture[]): Promise<void> {
    for (const { digest, statistics } of pictures) {
      const isDue = Date.now() - (put.get(digest) ?? -Infinity) > renewalMs;
      if (!isDue) continue;
      await store.putStatistics(nameOf(digest), statistics);
      put.set(digest, Date.now());
    }
  }

  return {
    /** Those of the file, with the states of their pictures that they are of. */
    kept,

    find: (digest: string): DescribedPicture | undefined => known.get(digest),

    /** Of a picture that is not in the file. */
    async findStatistics(digest: string): Promise<StyleStatistics | undefined> {
      if (!isLasting) return undefined;
      return store.getStatistics(nameOf(digest)).catch(() => undefined);
    },

    /** Keeps these and no others. To be called once in a while even if they are the same. */
    async keep(pictures: readonly KeptDescription[]): Promise<void> {
      known = byDigest(pictures);
      if (isWritable && statesOf(pictures) !== written) await write(pictures);
      if (!isWritable && isLasting) await putAll(pictures).catch(() => undefined); // next time
    },
  };
}

function statesOf(pictures: readonly KeptDescription[]): string {
  return pictures.map(({ path, stamp }) => `${path ?? ''} ${stamp ?? ''}`).join('\n');
}

function byDigest(pictures: readonly DescribedPicture[]): ReadonlyMap<string, DescribedPicture> {
  return new Map(pictures.map((picture) => [picture.digest, picture]));
}
