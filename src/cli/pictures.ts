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
    if (found.isDirectory()) sources.push(...(await walk(path, '', own)));
    else sources.push({ path, name: basename(path) });
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

async function walk(folder: string, prefix: string, out: string): Promise<Source[]> {
  const found: Source[] = [];
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw cannotRead(folder, cause);
  });
  for (const entry of entries) {
    const [path, name] = [join(folder, entry.name), `${prefix}${entry.name}`];
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) {
      const isResults = resolve(path) === out || (await exists(join(path, recordName)));
      if (!isResults) found.push(...(await walk(path, `${name}/`, out)));
    } else if (mediaTypeOf(extname(name).slice(1))) {
      // Of links not those to folders, which may lead in circles; one to nothing fails as a picture.
      const target = entry.isFile() ? entry : await stat(path).catch(() => undefined);
      if (target?.isFile() ?? true) found.push({ path, name });
    }
  }
  return found;
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

/** Neither may one result take another's place, nor that of a picture that is to be painted. */
async function refuseClashes(pictures: readonly Picture[], out: string): Promise<void> {
  const byName = new Map<string, string>();
  const real = (path: string) => realpath(path).catch(() => resolve(path));
  const root = await real(out);
  const inputs = new Map<string, string>();
  for (const { path } of pictures) inputs.set(await real(path), path);
  for (const { path, name } of pictures) {
    const other = byName.get(name);
    if (other !== undefined) {
      const text = `${other} and ${path} would both become ${join(out, name)}.`;
      throw new UsageError(`${text} Name the folder that holds both, or paint one elsewhere.`);
    }
    byName.set(name, path);
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
