import { setTimeout } from 'node:timers/promises';

import type { Engine, StyleStatistics } from '../engine/index.ts';
import { ServiceError } from '../errors.ts';
import { openStyle } from '../imaging/decode.ts';
import { measurePicture } from '../imaging/measure.ts';
import type { MemoryBudget } from '../memory-budget.ts';
import type { RgbImage } from '../rgb-image.ts';
import { unusable } from './catalog.ts';
import { openCounted } from './counted-file.ts';
import { sha256, type DescribedPicture } from './described-file.ts';

export interface PictureOptions {
  readonly engine: Pick<Engine, 'describe' | 'model'>;
  readonly memory: Pick<MemoryBudget, 'forRequest'>;
  readonly styleSize: number;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

/** What is known of pictures by the digests of their files. */
interface Known {
  find(digest: string): DescribedPicture | undefined;
  findStatistics?(digest: string): Promise<StyleStatistics | undefined>;
}

/** A preset's picture of which nothing, or the rest of `workBytes`, is left to do. */
interface Opened {
  /** In bytes, beside the file. */
  readonly workBytes: number;
  readonly described: () => Promise<DescribedPicture>;
}

/**
 * Reads a preset's picture, and describes it if nobody has, as a request does it: in memory that is
 * taken for it and in the engine's queue.
 * @throws UnusableStyle, or what the engine rejects with
 */
export async function readPreset(
  path: string,
  known: Known,
  options: PictureOptions,
): Promise<DescribedPicture> {
  const { signal } = options;
  const memory = options.memory.forRequest();
  try {
    const open = (bytes: Buffer) => openPreset(bytes, path, known, options);
    const opened = await openCounted(path, open, { memory, signal }).catch((cause: unknown) => {
      throw signal.aborted ? cause : unusable(path, cause);
    });
    return await opened.described();
  } finally {
    memory.release();
  }
}

async function openPreset(
  bytes: Buffer,
  path: string,
  known: Known,
  options: PictureOptions,
): Promise<Opened> {
  const digest = sha256(bytes);
  const found = known.find(digest);
  if (found) return { workBytes: 0, described: () => Promise.resolve(found) };
  const measured = await measurePicture(bytes, path);
  const stored = await known.findStatistics?.(digest);
  if (stored) {
    return {
      workBytes: 0,
      described: () => Promise.resolve({ digest, ...measured, statistics: stored }),
    };
  }
  // Whoever deploys the service chose these files: they need no limit but the memory.
  const { styleSize, signal } = options;
  const picture = await openStyle(bytes, { styleSize, maxPixels: Infinity, field: path });
  return {
    workBytes: Math.max(picture.decodeBytes, picture.heldBytes),
    async described() {
      const image = await picture.decode(signal).catch((cause: unknown) => {
        throw signal.aborted ? cause : unusable(path, cause);
      });
      return { digest, ...measured, statistics: await describe(image, options) };
    },
  };
}

async function describe(
  image: RgbImage,
  { engine, signal }: PictureOptions,
): Promise<StyleStatistics> {
  for (;;) {
    try {
      return (await engine.describe(image, { signal })).value;
    } catch (error) {
      if (!(error instanceof ServiceError && error.code === 'overloaded')) throw error;
      await setTimeout(1000 * (error.retryAfterSeconds ?? 1), undefined, { signal });
    }
  }
}
