import { readFile, stat } from 'node:fs/promises';

import { ServiceError } from '../errors.ts';
import type { Work } from './kept-picture.ts';

type Own = Pick<Work, 'memory' | 'signal'>;

/**
 * Waits in line for memory that a kept picture takes. Rejects with `too_many_pixels` when there will
 * never be so much, or the signal's reason.
 */
export async function takeMemory(bytes: number, { memory, signal }: Own): Promise<void> {
  if (!memory.fits(bytes)) {
    const text = 'This picture takes more memory than there is for pictures here.';
    throw new ServiceError('too_many_pixels', text);
  }
  await memory.paint(bytes, signal);
}

/**
 * Reads a picture's file in memory that is taken for it and for `more` bytes of work on it. Rejects
 * as `takeMemory` does, or with what the file system says.
 */
export async function readCounted(path: string, own: Own, more = 0): Promise<Buffer> {
  await takeMemory((await stat(path)).size + more, own);
  return readFile(path);
}

/**
 * Reads and opens a picture in memory that is taken for its file and for the work on it, which only
 * the file tells. Who holds memory must not wait for more, since others may hold that and wait for
 * theirs: so what was read is let go before it is read again in memory for all.
 */
export async function openCounted<T extends { readonly workBytes: number }>(
  path: string,
  open: (bytes: Buffer) => Promise<T>,
  own: Own,
): Promise<T> {
  // In a function of its own, as variables of one that waits keep their buffers.
  async function tryWith(workBytes: number): Promise<T | number> {
    const opened = await open(await readCounted(path, own, workBytes));
    if (opened.workBytes <= workBytes) return opened;
    own.memory.release();
    return opened.workBytes;
  }
  let result = await tryWith(0);
  while (typeof result === 'number') result = await tryWith(result);
  return result;
}
