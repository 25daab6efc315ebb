import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

import type { Engine, StyleStatistics } from '../engine/index.ts';
import { ServiceError } from '../errors.ts';
import { openStyle } from '../imaging/decode.ts';
import { measurePicture } from '../imaging/measure.ts';
import type { MemoryBudget, RequestMemory } from '../memory-budget.ts';
import type { RgbImage } from '../rgb-image.ts';
import { unusable } from './catalog.ts';
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

/**
 * Reads a preset's picture, and describes it if nobody has.
 * @throws UnusableStyle, or what the engine rejects with
 */
export async function readPreset(
  path: string,
  known: Known,
  options: PictureOptions,
): Promise<DescribedPicture> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw unusable(path, cause);
  });
  const digest = sha256(bytes);
  const found = known.find(digest);
  if (found) return found;
  const measured = await measurePicture(bytes, path).catch((cause: unknown) => {
    throw unusable(path, cause);
  });
  const stored = await known.findStatistics?.(digest);
  const statistics = stored ?? (await describe(path, bytes, options));
  return { digest, ...measured, statistics };
}

/** As a request does it, in memory that is taken for it and in the engine's queue. */
async function describe(
  path: string,
  bytes: Buffer,
  options: PictureOptions,
): Promise<StyleStatistics> {
  const { engine, memory, signal } = options;
  const own = memory.forRequest();
  try {
    const image = await decode(bytes, path, own, options).catch((cause: unknown) => {
      throw signal.aborted ? cause : unusable(path, cause);
    });
    for (;;) {
      try {
        return (await engine.describe(image, { signal })).value;
      } catch (error) {
        if (!(error instanceof ServiceError && error.code === 'overloaded')) throw error;
        await setTimeout(1000 * (error.retryAfterSeconds ?? 1), undefined, { signal });
      }
    }
  } finally {
    own.release();
  }
}

async function decode(
  bytes: Buffer,
  path: string,
  own: RequestMemory,
  { styleSize, signal }: PictureOptions,
): Promise<RgbImage> {
  // Whoever deploys the service chose these files: they need no limit but the memory.
  const picture = await openStyle(bytes, { styleSize, maxPixels: Infinity, field: path });
  const held = bytes.length + Math.max(picture.decodeBytes, picture.heldBytes);
  if (!own.fits(held)) throw new Error('decoding it takes more memory than there is for pictures');
  await own.paint(held, signal);
  return picture.decode(signal);
}
