import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ServiceError } from '../errors.ts';
import type { GuardedStore } from '../store/index.ts';
import { version } from '../version.ts';
import { listFolder, reasonOf, stampOf, unusable } from './catalog.ts';
import type { Catalog, CatalogEntry, Preset, StylesFolder } from './catalog.ts';
import { readDescribed, sha256 } from './described-file.ts';
import { openDescriptionCache } from './description-cache.ts';
import { followFolder } from './own-presets.ts';
import type { PresetsLog } from './presets-report.ts';
import { readPreset, type PictureOptions } from './preset-picture.ts';

/** Beside the shipped pictures; `npm run styles:describe` makes it. */
export const shippedFile = 'statistics.bin';

export interface PresetFolders {
  /** All of its pictures must be sound. */
  readonly shipped: StylesFolder | undefined;
  /** The operator's, of which those that are not are passed over. */
  readonly own: StylesFolder | undefined;
}

export interface PresetsOptions extends Omit<PictureOptions, 'signal'> {
  readonly folders: PresetFolders;
  readonly store: GuardedStore;
  /** After so long descriptions that are kept in the store are kept anew. */
  readonly renewalMs: number;
  /** Between two looks at the operator's folder. */
  readonly pollMs?: number | undefined;
  readonly log: PresetsLog;
}

/** A look at 1,000 pictures takes some 50 ms of CPU. */
const defaultPollMs = 5000;

export type Presets = Awaited<ReturnType<typeof createPresets>>;

/** @throws Error that names the folder or catalog that cannot be read */
export async function assertReadable({ shipped, own }: PresetFolders): Promise<void> {
  if (shipped) await listShipped(shipped);
  if (own) await listFolder(own, () => undefined);
}

/**
 * The presets: shipped ones from the file beside them, or described; of the operator's those that
 * were described before, with the others to follow. Whatever changes in the operator's folder is seen.
 * @throws Error that names the folder, the catalog or the shipped picture that cannot be used
 */
export async function createPresets(options: PresetsOptions) {
  const { folders, engine, store, styleSize, renewalMs, pollMs = defaultPollMs, log } = options;
  const { digest: model, channels } = engine.model;
  const closing = new AbortController();
  const pictures: PictureOptions = { ...options, signal: closing.signal };

  const shipped = folders.shipped ? await readShipped(folders.shipped, pictures, log) : [];
  const catalog = new Map(shipped.map((preset) => [preset.id, preset]));
  const taken = new Map(catalog);
  let awaited: ReadonlySet<string> = new Set();

  async function follow(folder: StylesFolder) {
    const by = { model, styleSize, service: version };
    const kept = { folder: folder.path, by, length: 2 * channels };
    return followFolder({
      ...{ ...pictures, folder, taken, pollMs, log },
      cache: await openDescriptionCache({ ...kept, store, renewalMs, log }),
      onChange(own, ids) {
        catalog.clear();
        for (const preset of [...shipped, ...own]) catalog.set(preset.id, preset);
        awaited = ids;
      },
    });
  }
  const following = folders.own && (await follow(folders.own));

  return {
    /** Those that can be painted in, shipped ones first. Changes with the operator's folder. */
    catalog: catalog as Catalog,
    /** How many of the operator's are still to be described. */
    get awaited() {
      return awaited.size;
    },
    /** Throws `not_ready` for the id of a preset that is still to be described. */
    assertDescribed(id: string): void {
      if (!awaited.has(id)) return;
      const text = `The style ${id} is new and still to be described. Come back soon.`;
      throw new ServiceError('not_ready', text);
    },
    async close(): Promise<void> {
      closing.abort();
      await following?.end;
    },
  };
}

async function listShipped(folder: StylesFolder): Promise<CatalogEntry[]> {
  const entries = await listFolder(folder, (error) => {
    throw error;
  });
  return [...entries.values()];
}

async function readShipped(
  folder: StylesFolder,
  options: PictureOptions,
  log: PresetsLog,
): Promise<Preset[]> {
  const { engine, styleSize } = options;
  const { digest: model, channels } = engine.model;
  const path = join(folder.path, shippedFile);
  let trouble = 'it does not have these pictures';
  const kept = await readDescribed(path, { model, styleSize }, 2 * channels).catch(
    (error: unknown) => {
      trouble = reasonOf(error);
      return [];
    },
  );
  const known = new Map(kept.map((picture) => [picture.digest, picture]));
  const presets: Preset[] = [];
  for (const entry of await listShipped(folder)) {
    await stampOf(entry.path);
    // Nobody else is here yet, and they are few and small: those that are known take no memory for pictures.
    const bytes = await readFile(entry.path).catch((cause: unknown) => {
      throw unusable(entry.path, cause);
    });
    const find = (digest: string) => known.get(digest);
    const picture = find(sha256(bytes)) ?? (await readPreset(entry.path, { find }, options));
    presets.push({ ...picture, ...entry, isOwn: false });
  }
  const anew = presets.filter(({ digest }) => !known.has(digest)).map(({ id }) => id);
  if (anew.length > 0) {
    log.warn(
      `${anew.length} presets were described at the start, which took its time: ${path} cannot be used for them (${trouble}). npm run styles:describe makes it.`,
    );
  }
  return presets;
}
