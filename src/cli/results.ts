import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import {
  constants,
  copyFile,
  link,
  mkdir,
  readdir,
  readFile,
  stat,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { draft, draftPrefix } from '../store/index.ts';
import type { Picture } from './pictures.ts';
import { cannotWrite, UsageError } from './usage.ts';

/** In a folder of results: how all of them were painted. */
export const recordName = '.adain-server.json';

type Settings = Readonly<Record<string, unknown>>;

export interface Results {
  /** Those that are not done yet. */
  readonly rest: readonly Picture[];
  readonly pathOf: (picture: Picture) => string;
  /** Makes the folder these options', before the first result; once. */
  readonly claim: () => Promise<void>;
  /**
   * Puts a result in its place, in one step. It is not done if the picture is no longer as it was
   * before it was read.
   */
  readonly write: (picture: Picture, bytes: Buffer, read: Stats) => Promise<void>;
}

/**
 * A folder of results, all painted with the same settings, which `recordName` tells: a picture is done
 * when its result is there, not older than itself. Several workers may share a folder.
 * @throws UsageError if it holds what was painted with others, or by others
 */
export async function openResults(
  folder: string,
  settings: Settings,
  pictures: readonly Picture[],
): Promise<Results> {
  const pathOf = ({ name }: Picture) => join(folder, name);
  const record = join(folder, recordName);
  // Before the record, which is there before any result: what is found without one is not ours.
  const { done, there } = await look(pictures, pathOf);
  const recorded = await readRecord(record);
  if (recorded) refuseOthers(folder, recorded, settings);
  else if (there) {
    const text = `${pathOf(there)} is there already, and was not painted by this command.`;
    throw new UsageError(`${text} Choose another folder for --out, or take it away.`);
  }
  await takeDraftsAway(new Set(pictures.map(pathOf)));

  let claimed: Promise<void> | undefined;
  return {
    rest: pictures.filter((picture) => !done.has(picture)),
    pathOf,
    claim: () => (claimed ??= claim(folder, record, settings)),
    async write(picture, bytes, read) {
      const path = pathOf(picture);
      await (await draft(path, bytes)).publish();
      const now = await stat(picture.path).catch(ifGone);
      if (!now) return;
      const seconds = now.mtimeMs / 1000;
      const isOther = now.mtimeMs !== read.mtimeMs || now.size !== read.size;
      if (isOther) await utimes(path, seconds - 1, seconds - 1);
      // From a clock that is ahead, or it would never be done.
      else if (now.mtimeMs > Date.now()) await utimes(path, seconds + 1, seconds + 1);
    },
  };
}

async function look(pictures: readonly Picture[], pathOf: (picture: Picture) => string) {
  const done = new Set<Picture>();
  let there: Picture | undefined;
  for (const picture of pictures) {
    const result = await stat(pathOf(picture)).catch(ifGone);
    if (!result?.isFile()) continue;
    there ??= picture;
    const own = await stat(picture.path).catch(ifGone);
    if (own && result.mtimeMs >= own.mtimeMs) done.add(picture);
  }
  return { done, there };
}

const ifGone = (error: NodeJS.ErrnoException): undefined => {
  if (!gone.has(error.code ?? '')) throw error;
};
/** Nothing can be under such a name. */
const gone = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'EINVAL', 'EILSEQ']);

/** Of an error of `write`: another name would have fared better. */
export const isOfName = ({ code = '' }: NodeJS.ErrnoException): boolean => ofName.has(code);
const ofName = new Set(['ENAMETOOLONG', 'EINVAL', 'EILSEQ', 'EISDIR', 'ENOTDIR', 'EEXIST']);

/** Another worker may just write it, where the volume has no links. */
async function readRecord(path: string, tries = 20): Promise<Settings | undefined> {
  const text = await readFile(path, 'utf8').catch(ifGone);
  if (text === undefined) return undefined;
  try {
    return (JSON.parse(text) as { settings: Settings }).settings;
  } catch (cause) {
    if (tries > 0) {
      await setTimeout(100);
      return readRecord(path, tries - 1);
    }
    const text = `${path} is damaged; delete it and the results beside it, or choose another folder.`;
    throw new UsageError(text, { cause });
  }
}

function refuseOthers(folder: string, recorded: Settings, settings: Settings): void {
  const names = Object.keys({ ...recorded, ...settings });
  const changed = names.filter((name) => shown(recorded[name]) !== shown(settings[name]));
  if (changed.length === 0) return;
  const list = changed.map(
    (name) => `${name} was ${shown(recorded[name])} and is ${shown(settings[name])}`,
  );
  const text = `${folder} holds pictures that were painted with other options: ${list.join('; ')}.`;
  throw new UsageError(`${text} Choose another folder for --out, or delete this one first.`);
}

const shown = (value: unknown): string =>
  value === undefined ? 'not given' : JSON.stringify(value);

/** With the first result, so that options which nothing was painted with bind nobody. */
async function claim(folder: string, record: string, settings: Settings): Promise<void> {
  const own = join(folder, `${recordName}.${randomUUID()}`);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(own, `${JSON.stringify({ settings }, null, 2)}\n`);
  } catch (error) {
    throw cannotWrite(folder, error);
  }
  try {
    await place(own, record);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    refuseOthers(folder, (await readRecord(record)) ?? {}, settings);
  } finally {
    await unlink(own);
  }
}

/** In one step where the volume has links. Unlike a rename it fails where another worker was first. */
async function place(file: string, path: string): Promise<void> {
  await link(file, path).catch(async (error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
    await copyFile(file, path, constants.COPYFILE_EXCL);
  });
}

/** What a worker that was killed has left of these results; nobody else paints them. */
async function takeDraftsAway(paths: ReadonlySet<string>): Promise<void> {
  const prefixes = new Set([...paths].map((path) => join(dirname(path), draftPrefix(path))));
  for (const folder of new Set([...paths].map((path) => dirname(path)))) {
    for (const name of (await readdir(folder).catch(ifGone)) ?? []) {
      const [, prefix = ''] = /^(\..+)\.[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.exec(name) ?? [];
      if (prefixes.has(join(folder, prefix))) await unlink(join(folder, name)).catch(ifGone);
    }
  }
}
