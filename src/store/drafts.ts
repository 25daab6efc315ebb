import { createHash, randomUUID } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { makeFolder, syncFolder } from './folders.ts';
import { ifGone } from './lock.ts';

/** A file that is written and not yet to be seen. */
export interface Draft {
  /** Puts it in its place, in one step. */
  readonly publish: () => Promise<void>;
  readonly discard: () => Promise<void>;
}

/** No style's id begins so, and nothing else does in these folders. */
export const isDraft = (name: string): boolean => name.startsWith('.');

/** Bytes that file systems take for a name, and those that a draft's has beside the name of its file. */
const longestName = 255;
const around = '..'.length + randomUUID().length;

/** What the drafts of a file begin with; its name, unless that is too long. */
export function draftPrefix(path: string): string {
  const name = basename(path);
  const fits = Buffer.byteLength(name) + around <= longestName;
  return `.${fits ? name : createHash('sha256').update(name).digest('hex')}`;
}

/** @param lasts through a failure of power, too, which takes longer */
export async function draft(path: string, bytes: Buffer, lasts = true): Promise<Draft> {
  const folder = dirname(path);
  const hidden = join(folder, `${draftPrefix(path)}.${randomUUID()}`);
  const discard = async () => {
    await unlink(hidden).catch(ifGone);
  };
  const file = await open(hidden, 'wx').catch(async (error: unknown) => {
    ifGone(error);
    await makeFolder(folder);
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
  const publish = async () => {
    await rename(hidden, path).catch(async (error: unknown) => {
      await discard();
      throw error;
    });
    if (lasts) await syncFolder(folder);
  };
  return { publish, discard };
}
