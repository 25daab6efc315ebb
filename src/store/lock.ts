import { randomUUID } from 'node:crypto';
import { open, rename, stat, unlink } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

/** Who holds the lock writes one file: one that holds it for longer was killed. */
const staleMs = 1500;
const longestWaitMs = 2500;
const pollMs = 5;

/**
 * Runs work while no other process does that asks for the same lock, a file. Should one be taken for
 * killed that was only slow, both run: what they write must be whole by itself.
 */
export async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
  const own = await take(path);
  try {
    return await work();
  } finally {
    if ((await identity(path)) === own) await unlink(path).catch(ifGone);
  }
}

async function take(path: string): Promise<string | undefined> {
  const begun = performance.now();
  let seen: string | undefined;
  let since = begun;
  for (;;) {
    try {
      await (await open(path, 'wx')).close();
      return await identity(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const now = performance.now();
    const holder = await identity(path);
    if (holder !== seen) [seen, since] = [holder, now];
    // By our own clock: that of a volume's server may be another.
    if (seen !== undefined && now - since > staleMs) await breakOpen(path);
    else if (now - begun > longestWaitMs) throw new Error(`${path} is locked by another process`);
    else await setTimeout(pollMs);
  }
}

/** Of two who find it stale one moves it away. */
async function breakOpen(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  await rename(path, aside).then(() => unlink(aside), ifGone);
}

async function identity(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(ifGone);
  return found && `${found.ino} ${found.mtimeNs}`;
}

/** For `catch`: what is not there is undefined. */
export function ifGone(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw error;
}
