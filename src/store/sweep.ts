import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

import { isDraft } from './drafts.ts';
import { ifGone } from './lock.ts';

/** No writing takes as long: who left a draft was killed. */
const draftMs = 3_600_000;

interface Limits {
  /** How long uploads are kept after their last use. */
  readonly ttlMs: number;
  /** How many uploads of a model are kept. */
  readonly maxUploads: number;
}

/**
 * Takes away drafts of processes that were killed, uploads whose time is over, of all models, and the
 * least recently used of too many.
 */
export async function sweep(root: string, { ttlMs, maxUploads }: Limits): Promise<void> {
  const now = Date.now();
  await sweepDrafts(join(root, 'styles'), now);
  const uploads = join(root, 'statistics');
  for (const model of (await readdir(uploads, { withFileTypes: true }).catch(ifGone)) ?? []) {
    if (!model.isDirectory()) continue; // systems keep files of their own anywhere
    const folder = join(uploads, model.name);
    await sweepDrafts(folder, now);
    const kept = (await filesIn(folder, (name) => !isDraft(name))).sort(
      (a, b) => b.mtimeMs - a.mtimeMs,
    );
    for (const [place, { path, mtimeMs }] of kept.entries()) {
      if (place >= maxUploads || now - mtimeMs > ttlMs) await unlink(path).catch(ifGone);
    }
  }
}

/** Takes away what processes that were killed have left in a folder. */
export async function sweepDrafts(folder: string, now: number): Promise<void> {
  for (const { path, mtimeMs } of await filesIn(folder, isDraft)) {
    if (now - mtimeMs > draftMs) await unlink(path).catch(ifGone);
  }
}

async function filesIn(folder: string, isMeant: (name: string) => boolean) {
  const names = (await readdir(folder).catch(ifGone)) ?? [];
  const files: { path: string; mtimeMs: number }[] = [];
  for (const name of names.filter(isMeant)) {
    const path = join(folder, name);
    const found = await stat(path).catch(ifGone);
    if (found?.isFile()) files.push({ path, mtimeMs: found.mtimeMs });
  }
  return files;
}
