import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** What folders answer that cannot be synced, or may not be read. */
const cannot = new Set(['EACCES', 'EINVAL', 'ENOTSUP']);

/** Through a failure of power what was renamed, made or unlinked in it stays so. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return; // which syncs no folders
  try {
    const folder = await open(path);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (!cannot.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** With those that it is in; made to last, as their files are. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = resolve(path); made.length >= first.length; made = dirname(made)) {
    await syncFolder(dirname(made));
  }
}
