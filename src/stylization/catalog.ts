import { readdir, readFile } from 'node:fs/promises';
import { extname, join, parse } from 'node:path';
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
}

export type Catalog = ReadonlyMap<string, Preset>;

export const styleIdPattern = /^[a-z0-9][a-z0-9-]{0,79}$/;

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
}

/**
 * Reads folders of style pictures.
 * @throws Error that names the folder or file and the remedy: unreadable, a wrong entry, an id twice.
 */
export async function loadCatalog(folders: readonly StylesFolder[]): Promise<Catalog> {
  const catalog = new Map<string, Preset>();
  for (const folder of folders) {
    for (const entry of await listEntries(folder)) {
      const taken = catalog.get(entry.id);
      const path = join(folder.path, entry.file);
      if (taken) {
        throw new Error(
          `The style id ${entry.id} of ${path} is taken by ${taken.path}. Choose another: rename the file, or change its id in catalog.json.`,
        );
      }
      catalog.set(entry.id, await readPreset(entry, path));
    }
  }
  return catalog;
}

/**
 * Reads a preset's picture.
 * @throws Error that names the file, what is wrong with it and the remedy
 */
export async function readPicture<T>(
  path: string,
  read: (bytes: Buffer) => Promise<T>,
): Promise<T> {
  try {
    return await read(await readFile(path));
  } catch (cause) {
    throw new Error(
      `The style picture ${path} cannot be used (${reasonOf(cause)}). Put a sound picture there, or remove it, from catalog.json too if that lists it.`,
      { cause },
    );
  }
}

async function listEntries({ path: folder, remedy }: StylesFolder): Promise<CatalogEntry[]> {
  const files = await readdir(folder).catch((cause: unknown) => {
    throw new Error(`The styles folder ${folder} cannot be read (${reasonOf(cause)}). ${remedy}`, {
      cause,
    });
  });
  if (!files.includes('catalog.json')) {
    return files.filter((file) => mediaTypeOf(extname(file).slice(1))).map(entryOfFile);
  }
  const path = join(folder, 'catalog.json');
  try {
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
function entryOfFile(file: string): CatalogEntry {
  const { name } = parse(file);
  const id = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  if (!styleIdPattern.test(id)) {
    throw new Error(`${file} gives no style id; name it with letters, digits and hyphens.`);
  }
  return { id, file, name, description: '', license: 'unknown' };
}

async function readPreset(
  { id, name, description, license }: CatalogEntry,
  path: string,
): Promise<Preset> {
  const measured = await readPicture(path, (bytes) => measurePicture(bytes, path));
  return { id, name, description, license, path, ...measured };
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
