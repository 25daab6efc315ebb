import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { ifGone } from './lock.ts';

/** A file that is written and not yet to be seen. */
export interface Draft {
  /** Puts it in its place, in one step. */
  readonly publish: () => Promise<void>;
  readonly discard: () => Promise<void>;
}

/** No style's id begins so, and nothing else does in these folders. */
export const isDraft = (name: string): boolean => name.startsWith('.');

/** @param lasts through a failure of power, too, which takes longer */
export async function draft(path: string, bytes: Buffer, lasts = true): Promise<Draft> {
  const folder = dirname(path);
  const hidden = join(folder, `.${basename(path)}.${randomUUID()}`);
  const discard = async () => {
    await unlink(hidden).catch(ifGone);
  };
  const file = await open(hidden, 'wx').catch(async (error: unknown) => {
    ifGone(error);
    await mkdir(folder, { recursive: true });
    return open(hidden, 'wx');
  });
  try {
    await file.writeFile(bytes);
    if (lasts) await file.sync();
    await file.close();
  } catch (error) {
    await file.close().catch(() => undefined);
    await discard();
    throw error;
  }
  return { publish: () => rename(hidden, path), discard };
}
