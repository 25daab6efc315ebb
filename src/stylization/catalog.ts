import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { extname, isAbsolute, join, parse, relative, sep } from 'node:path';
import { z } from 'zod';

import { mediaTypeOf } from '../imaging/formats.ts';
import { measurePicture } from '../imaging/measure.ts';

/** A style that ships with the service or lies in the operator's folder. */
export interface Preset {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly license: string;
  readonly width: number;
  readonly height: number;
  readonly path: string;
  readonly mediaType: string;
  /** Whether the service does not start without it. */
  readonly required: boolean;
}

export type Catalog = ReadonlyMap<string, Preset>;

export const styleIdPattern = /^[a-z0-9][a-z0-9-]{0,79}$/;

/** The id that a name gives: `Starry Night` → `starry-night`; undefined if it gives none. */
export function styleIdOf(name: string): string | undefined {
  const id = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return styleIdPattern.test(id) ? id : undefined;
}

const catalogFile = z.object({
  styles: z.array(
    z.object({
      id: z.string().regex(styleIdPattern, {
        error: 'Expected lower-case letters, digits and hyphens, 80 at most',
      }),
      file: z.string(),
      name: z.string(),
      description: z.string().default(''),
      license: z.string().default('unknown'),
    }),
  ),
});
type CatalogEntry = z.output<typeof catalogFile>['styles'][number];

/** A folder of style pictures, with or without a catalog.json. */
export interface StylesFolder {
  readonly path: string;
  /** What to do where it cannot be read. */
  readonly remedy: string;
  /** Whether all its pictures must be sound; else those that are not are passed over. */
  readonly required: boolean;
}

/** Hears of each picture that is passed over: its path, what is wrong with it and the remedy. */
export type Warn = (complaint: string) => void;

/**
 * Reads folders of style pictures.
 * @throws Error that names the folder or file and the remedy: a folder or catalog that cannot be
 * read, an id twice, and of a folder whose pictures are required whatever is wrong with one.
 */
export async function loadCatalog(folders: readonly StylesFolder[], warn: Warn): Promise<Catalog> {
  const catalog = new Map<string, Preset>();
  for (const folder of folders) {
    for (const entry of await listEntries(folder, warn)) {
      const taken = catalog.get(entry.id);
      const path = join(folder.path, entry.file);
      if (taken) {
        throw new Error(
          `The style id ${entry.id} of ${path} is taken by ${taken.path}. Choose another: rename the file, or change its id in catalog.json.`,
        );
      }
      const preset = await orPassOver(folder, warn, () => readPreset(folder, entry, path));
      if (preset) catalog.set(entry.id, preset);
    }
  }
  return catalog;
}

/** What `work` gives, or nothing but a warning if it fails on a picture that is not required. */
export async function orPassOver<T>(
  { required }: { readonly required: boolean },
  warn: Warn,
  work: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (required || !(error instanceof UnusableStyle)) throw error;
    warn(`${error.message} The service starts without it.`);
    return undefined;
  }
}

/** Of a single picture; its message says which, what is wrong with it and the remedy. */
class UnusableStyle extends Error {
  override readonly name = 'UnusableStyle';
}

/**
 * Reads a preset's picture.
 * @throws UnusableStyle
 */
export async function readPicture<T>(
  path: string,
  read: (bytes: Buffer) => Promise<T>,
): Promise<T> {
  try {
    return await read(await readFile(path));
  } catch (cause) {
    throw unusable(path, cause);
  }
}

function unusable(path: string, cause: unknown): UnusableStyle {
  return new UnusableStyle(
    `The style picture ${path} cannot be used (${reasonOf(cause)}). Put a sound picture there, or remove it, from catalog.json too if that lists it.`,
    { cause },
  );
}

async function listEntries(styles: StylesFolder, warn: Warn): Promise<CatalogEntry[]> {
  const { path: folder, remedy } = styles;
  const files = await readdir(folder).catch((cause: unknown) => {
    throw new Error(`The styles folder ${folder} cannot be read (${reasonOf(cause)}). ${remedy}`, {
      cause,
    });
  });
  if (!files.includes('catalog.json')) {
    const pictures = files.filter((file) => mediaTypeOf(extname(file).slice(1)));
    const entries = pictures.map((file) =>
      orPassOver(styles, warn, () => entryOfFile(folder, file)),
    );
    return (await Promise.all(entries)).filter((entry) => entry !== undefined);
  }
  const path = join(folder, 'catalog.json');
  try {
    await assertFile(path);
    return catalogFile.parse(JSON.parse(await readFile(path, 'utf8'))).styles;
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : reasonOf(cause);
    throw new Error(
      `${path} is not a catalog of styles like that in models/styles; correct it:\n${reason}`,
      { cause },
    );
  }
}

/** A picture without a catalog is named by its file: `Starry Night.jpg` → `starry-night`. */
function entryOfFile(folder: string, file: string): CatalogEntry {
  const path = join(folder, file);
  // Systems keep files of their own beside pictures, such as ._name.jpg on a Mac's volumes.
  if (file.startsWith('.')) throw unusable(path, 'its name begins with a dot');
  const { name } = parse(file);
  const id = styleIdOf(name);
  if (id === undefined) {
    throw new UnusableStyle(
      `The name of the style picture ${path} gives no style id. Name it with letters, digits and hyphens, 80 at most.`,
    );
  }
  return { id, file, name, description: '', license: 'unknown' };
}

async function readPreset(
  { path: folder, required }: StylesFolder,
  { id, name, description, license }: CatalogEntry,
  path: string,
): Promise<Preset> {
  try {
    await assertFile(path);
    if (!required) await assertInside(folder, path);
  } catch (cause) {
    throw unusable(path, cause);
  }
  const measured = await readPicture(path, (bytes) => measurePicture(bytes, path));
  return { id, name, description, license, path, required, ...measured };
}

/** To be asked before anything is opened: a pipe would block, a device never end. */
async function assertFile(path: string): Promise<void> {
  const found = await stat(path);
  if (!found.isFile()) throw new Error(found.isDirectory() ? 'it is a folder' : 'it is no file');
}

/** Links within the folder are as good as files: a ConfigMap of Kubernetes is made of them. */
async function assertInside(folder: string, path: string): Promise<void> {
  const way = relative(await realpath(folder), await realpath(path));
  if (isAbsolute(way) || way.split(sep)[0] === '..') {
    throw new Error('it lies outside of the styles folder');
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
