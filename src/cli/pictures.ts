import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';

import { mediaTypeOf, resultFormat, type ResultFormat } from '../imaging/formats.ts';
import { recordName } from './results.ts';
import { cannotRead, UsageError } from './usage.ts';

export interface Picture {
  /** As the command line leads to it. */
  readonly path: string;
  /** Of the result in its folder, with slashes. */
  readonly name: string;
  readonly format: ResultFormat;
}

interface Source {
  readonly path: string;
  readonly name: string;
}

export interface Making {
  readonly format: ResultFormat | undefined;
  readonly animated: boolean;
}

/**
 * All pictures that files and folders are or hold, in the order of their names. In folders, hidden
 * files, results of ours and `out` are passed over.
 * @throws UsageError for what cannot be read, for no picture at all, for two with one result
 */
export async function listPictures(
  arguments_: readonly string[],
  out: string,
  making: Making,
): Promise<Picture[]> {
  const own = resolve(out);
  const sources: Source[] = [];
  for (const path of arguments_) {
    const found = await stat(path).catch((cause: unknown) => {
      throw cannotRead(path, cause, 'Name a picture or a folder.');
    });
    if (found.isDirectory()) {
      await refuseAmongPictures(path, out);
      await walk(path, '', own, sources);
    } else sources.push({ path, name: basename(path) });
  }
  if (sources.length === 0) {
    const where = arguments_.join(', ') || 'the command line';
    throw new UsageError(`There is no picture in ${where} (.jpg, .png, .webp, .avif or .gif).`);
  }
  sources.sort((a, b) => (a.name < b.name ? -1 : 1));
  const pictures = sources.map((source) => resultOf(source, making));
  await refuseClashes(pictures, out);
  return pictures;
}

/** Adds to `found`. What is taken away meanwhile is passed over; what cannot be read may be later. */
async function walk(folder: string, prefix: string, out: string, found: Source[]): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new Error(cannotRead(folder, cause).message, { cause });
  });
  for (const entry of entries) {
    const [path, name] = [join(folder, entry.name), `${prefix}${entry.name}`];
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) {
      const isResults = resolve(path) === out || (await exists(join(path, recordName)));
      if (!isResults) await walk(path, `${name}/`, out, found);
    } else if (mediaTypeOf(extname(name).slice(1))) {
      // Of links not those to folders, which may lead in circles; one to nothing fails as a picture.
      const target = entry.isFile() ? entry : await stat(path).catch(() => undefined);
      if (target?.isFile() ?? true) found.push({ path, name });
    }
  }
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * The result is called as the picture is, with its own extension behind where that is another: a
 * name that hangs on one picture alone, and is known before it is painted.
 */
function resultOf({ path, name }: Source, { format, animated }: Making): Picture {
  const own = formatOf(extname(name).slice(1));
  const kept = own === 'gif' && animated ? own : resultFormat(own ?? 'jpeg');
  const wanted = format ?? kept;
  const extension = wanted === 'jpeg' ? 'jpg' : wanted;
  return { path, name: own === wanted ? name : `${name}.${extension}`, format: wanted };
}

function formatOf(extension: string): ResultFormat | undefined {
  return mediaTypeOf(extension)?.slice('image/'.length) as ResultFormat | undefined;
}

const real = (path: string) => realpath(path).catch(() => resolve(path));

/** Results there would be pictures the next time. */
async function refuseAmongPictures(folder: string, out: string): Promise<void> {
  if ((await real(folder)) !== (await real(out))) return;
  const text = `--out is ${out}: the results would be among the pictures of ${folder}.`;
  throw new UsageError(`${text} Choose another folder.`);
}

/** Neither may one result take another's place, nor that of a picture that is to be painted. */
async function refuseClashes(pictures: readonly Picture[], out: string): Promise<void> {
  const byName = new Map<string, Picture>();
  const root = await real(out);
  const inputs = new Map<string, string>();
  for (const { path } of pictures) inputs.set(await real(path), path);
  for (const picture of pictures) {
    const { path, name } = picture;
    const key = name.normalize('NFC').toLowerCase(); // as volumes may that tell no case
    const other = byName.get(key);
    if (other?.name === name) {
      const text = `${other.path} and ${path} would both become ${join(out, name)}.`;
      throw new UsageError(`${text} Name the folder that holds both, or paint one elsewhere.`);
    }
    if (other) {
      const text = `The results of ${other.path} and ${path} would be one file on some volumes.`;
      throw new UsageError(`${text} Rename one, or paint it elsewhere.`);
    }
    byName.set(key, picture);
    const overwritten = inputs.get(join(root, name));
    if (overwritten !== undefined) {
      const text = `--out is ${out}: the result of ${path} would overwrite ${overwritten}.`;
      throw new UsageError(`${text} Choose another folder.`);
    }
  }
}

/** One of several workers, from 0, and how many there are. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** @throws UsageError for anything but INDEX/COUNT */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  if (Number(index) < Number(count)) return { index: Number(index), count: Number(count) };
  throw new UsageError(`--shard is "${text}"; it takes INDEX/COUNT, from 0/4 to 3/4 for four.`);
}

/** Hangs on its name alone, so that pictures that come and go move no other to another worker. */
export function isInShard({ name }: Picture, { index, count }: Shard): boolean {
  return crc32(name) % count === index;
}
