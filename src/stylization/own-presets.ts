import { relative } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { reasonOf, UnusableStyle, type Preset, type StylesFolder } from './catalog.ts';
import type { KeptDescription } from './described-file.ts';
import type { DescriptionCache } from './description-cache.ts';
import { createPresetsReport, type PresetsLog } from './presets-report.ts';
import { readPreset, type PictureOptions } from './preset-picture.ts';
import { createLook, type Found } from './watch-folder.ts';

export interface OwnOptions extends PictureOptions {
  readonly folder: StylesFolder;
  readonly cache: DescriptionCache;
  /** Where other presets are, by id. */
  readonly taken: ReadonlyMap<string, { readonly path: string }>;
  readonly pollMs: number;
  readonly log: PresetsLog;
  /** Hears of every change: what can be painted in, and the ids that are still to be described. */
  readonly onChange: (presets: readonly Preset[], awaited: ReadonlySet<string>) => void;
}

/** Pictures are read for so long before it is seen what has changed meanwhile. */
const turnMs = 10_000;

/** What is known of a picture in a state of its file. */
interface State {
  readonly stamp: string;
  readonly picture?: KeptDescription;
  readonly error?: UnusableStyle;
}

/**
 * Follows the operator's folder until the signal fires. When this resolves, what an earlier start
 * has described is there; the rest comes picture by picture, and so do changes.
 * @returns what resolves when the following has ended
 * @throws Error when the folder or its catalog cannot be read; later that is a warning
 */
export async function followFolder(options: OwnOptions): Promise<{ readonly end: Promise<void> }> {
  const { folder, cache, taken, pollMs, onChange, signal } = options;
  const report = createPresetsReport(folder.path, options.log);
  const look = createLook(folder, taken, report.complain);
  const pathBelow = (path: string) => relative(folder.path, path);
  const kept = new Map(cache.kept.map((one) => [`${one.path ?? ''} ${one.stamp ?? ''}`, one]));

  const states = new Map<string, State>();
  let listed: readonly Found[] = [];
  let presets: readonly Preset[] = [];
  const awaited = new Set<string>();

  function publish(): void {
    presets = listed.flatMap(({ entry }) => {
      const picture = states.get(entry.path)?.picture;
      return picture ? { ...picture, ...entry, isOwn: true } : [];
    });
    onChange(presets, awaited);
  }

  /** Brings up to date what can be without reading pictures. @returns those that must be read */
  async function arrange(): Promise<readonly Found[]> {
    listed = await look();
    const paths = new Set(listed.map(({ entry }) => entry.path));
    for (const path of states.keys()) if (!paths.has(path)) states.delete(path);
    awaited.clear();
    const changed: Found[] = [];
    for (const found of listed) {
      const { entry, stamp, error, isSettled } = found;
      const { id, path } = entry;
      const state = states.get(path);
      const known = kept.get(`${pathBelow(path)} ${stamp}`);
      if (state?.stamp === stamp) {
        if (state.error) report.complain(state.error);
      } else if (known && !error) {
        states.set(path, { stamp, picture: known });
      } else if (error && isSettled) {
        reject(found, error);
      } else {
        if (!state?.picture) awaited.add(id);
        if (isSettled) changed.push(found);
      }
    }
    publish();
    return changed;
  }

  function reject({ entry, stamp }: Found, error: UnusableStyle): void {
    states.set(entry.path, { stamp, error });
    awaited.delete(entry.id);
    report.complain(error);
  }

  /** @returns whether all were read in this turn */
  async function read(pictures: readonly Found[]): Promise<boolean> {
    const began = performance.now();
    for (const found of pictures) {
      if (performance.now() - began > turnMs) return false;
      const { entry, stamp } = found;
      try {
        const picture = await readPreset(entry.path, cache, options);
        states.set(entry.path, {
          stamp,
          picture: { ...picture, path: pathBelow(entry.path), stamp },
        });
        awaited.delete(entry.id);
      } catch (error) {
        if (!(error instanceof UnusableStyle)) throw error;
        reject(found, error);
      }
      publish();
    }
    return true;
  }

  const hasEnded = () => signal.aborted;
  const described = () => [...states.values()].flatMap(({ picture }) => picture ?? []);

  async function follow(first: readonly Found[]): Promise<void> {
    let pictures = first;
    let trouble: string | undefined;
    for (;;) {
      const isDone = await read(pictures).catch((error: unknown) => {
        if (hasEnded()) return true;
        const text = `New presets of ${folder.path} cannot be described now (${reasonOf(error)}).`;
        report.complain(new Error(text), 'They are tried again.');
        return true;
      });
      await cache.keep(described());
      report.turn(presets, awaited.size);
      if (isDone)
        await setTimeout(pollMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (hasEnded()) return;
      pictures = await arrange().catch((error: unknown) => {
        // A catalog that is being written is none for a moment.
        if (trouble === reasonOf(error)) report.complain(error, 'Its presets stay as they are.');
        trouble = reasonOf(error);
        return [];
      });
    }
  }

  const first = await arrange();
  report.turn(presets, awaited.size);
  return { end: follow(first) };
}
