import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { extname, isAbsolute, join, parse, relative, sep } from 'node:path';
import { z } from 'zod';

import { mediaTypeOf } from '../imaging/formats.ts';
import type { DescribedPicture } from './described-file.ts';

/** A style that ships with the service or lies in the operator's folder, described. */
export interface Preset extends CatalogEntry, DescribedPicture {
  /** The operator's, whose file may be of any size, and gone before that is seen. */
  readonly isOwn: boolean;
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

/** What a folder says of a style, and where its picture is. */
export interface CatalogEntry {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly license: string;
  readonly path: string;
}

/** A folder of style pictures, with or without a catalog.json. */
export interface StylesFolder {
  readonly path: string;
  /** What to do where it cannot be read. */
  readonly remedy: string;
}

/** Of a single picture; its message says which, what is wrong with it and the remedy. */
export class UnusableStyle extends Error {
  override readonly name = 'UnusableStyle';
}

/**
 * Lists what a folder offers, by id: in the catalog's order, or by file name. Of two with one id the
 * first is listed.
 * @param complain hears of each that is passed over
 * @param taken where another folder's ids are, by id
 * @throws Error that names the folder or catalog that cannot be read, and the remedy
 */
export async function listFolder(
  { path: folder, remedy }: StylesFolder,
  complain: (error: UnusableStyle) => void,
  taken: ReadonlyMap<string, { readonly path: string }> = new Map(),
): Promise<ReadonlyMap<string, CatalogEntry>> {
  const files = await readdir(folder).catch((cause: unknown) => {
    throw new Error(`The styles folder ${folder} cannot be read (${reasonOf(cause)}). ${remedy}`, {
      cause,
    });
  });
  const entries = files.includes('catalog.json')
    ? await readCatalog(folder)
    : (await picturesOf(folder)).flatMap((file) => entryOfFile(folder, file, complain));
  const listed = new Map<string, CatalogEntry>();
  for (const entry of entries) {
    const { id, path } = entry;
    const other = taken.get(id) ?? listed.get(id);
    if (!other) listed.set(id, entry);
    else {
      const text = `The style id ${id} of ${path} is taken by ${other.path}. Choose another: rename the file, or change its id in catalog.json.`;
      complain(new UnusableStyle(text));
    }
  }
  return listed;
}

async function readCatalog(folder: string): Promise<CatalogEntry[]> {
  const path = join(folder, 'catalog.json');
  try {
    await assertFile(path);
    const { styles } = catalogFile.parse(JSON.parse(await readFile(path, 'utf8')));
    return styles.map(({ file, ...texts }) => ({ ...texts, path: join(folder, file) }));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : reasonOf(cause);
    throw new Error(
      `${path} is not a catalog of styles like that in models/styles; correct it:\n${reason}`,
      { cause },
    );
  }
}

/**
 * Names that begin with a dot are not for us: systems and copying programs keep files of their own
 * beside pictures, such as ._name.jpg on a Mac's volumes. Nor are folders.
 */
async function picturesOf(folder: string): Promise<string[]> {
  const found = await readdir(folder, { withFileTypes: true });
  return found
    .filter((entry) => !entry.name.startsWith('.') && !entry.isDirectory())
    .map(({ name }) => name)
    .filter((name) => mediaTypeOf(extname(name).slice(1)))
    .sort();
}

/** A picture without a catalog is named by its file: `Starry Night.jpg` → `starry-night`. */
function entryOfFile(
  folder: string,
  file: string,
  complain: (error: UnusableStyle) => void,
): CatalogEntry[] {
  const path = join(folder, file);
  const { name } = parse(file);
  const id = styleIdOf(name);
  if (id !== undefined) return [{ id, name, description: '', license: 'unknown', path }];
  const text = `The name of the style picture ${path} gives no style id. Name it with letters, digits and hyphens, 80 at most.`;
  complain(new UnusableStyle(text));
  return [];
}

/**
 * What tells one state of a picture's file from another without reading it. To be asked before
 * anything is opened: a pipe would block, a device never end.
 * @param root the folder's `realpath`, which the file must lie in; undefined: anywhere
 * @throws UnusableStyle
 */
export async function stampOf(path: string, root?: string): Promise<string> {
  try {
    const { size, mtimeMs } = await assertFile(path);
    if (root !== undefined) await assertInside(root, path);
    return `${size} ${mtimeMs}`;
  } catch (cause) {
    throw unusable(path, cause);
  }
}

export function unusable(path: string, cause: unknown): UnusableStyle {
  return new UnusableStyle(
    `The style picture ${path} cannot be used (${reasonOf(cause)}). Put a sound picture there, or remove it, from catalog.json too if that lists it.`,
    { cause },
  );
}

async function assertFile(path: string) {
  const found = await stat(path);
  if (!found.isFile()) throw new Error(found.isDirectory() ? 'it is a folder' : 'it is no file');
  return found;
}

/** Links within the folder are as good as files: a ConfigMap of Kubernetes is made of them. */
async function assertInside(root: string, path: string): Promise<void> {
  const way = relative(root, await realpath(path));
  if (isAbsolute(way) || way.split(sep)[0] === '..') {
    throw new Error('it lies outside of the styles folder');
  }
}

export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
