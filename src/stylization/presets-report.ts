import { reasonOf, type Preset } from './catalog.ts';

export interface PresetsLog {
  info(details: object, message: string): void;
  warn(message: string): void;
}

/** Of a list in the log; the first 1,000 pictures need no line of 30 KB. */
const mostNamed = 10;

/** What the log is told of the operator's folder: each complaint once for as long as it lasts. */
export function createPresetsReport(folder: string, log: PresetsLog) {
  let told = new Set<string>();
  let complaints = new Set<string>();
  let reported: ReadonlyMap<string, string> | undefined;
  let lastAwaited = 0;

  return {
    complain: (error: unknown, consequence = 'The service does without it.'): void => {
      const text = reasonOf(error);
      if (!told.has(text) && !complaints.has(text)) log.warn(`${text} ${consequence}`);
      complaints.add(text);
    },

    /** The folder has been looked through. */
    turn: (presets: readonly Preset[], awaited: number): void => {
      told = complaints;
      complaints = new Set();
      const now = new Map(presets.map(({ id, digest }) => [id, digest]));
      const before = (reported ??= now);
      const all = { folder, presets: now.size };
      const isNews = awaited !== lastAwaited;
      lastAwaited = awaited;
      if (awaited > 0) {
        if (isNews) log.info({ ...all, awaited }, 'describing presets');
        return;
      }
      reported = now;
      const changes = Object.entries({
        added: [...now.keys()].filter((id) => !before.has(id)),
        removed: [...before.keys()].filter((id) => !now.has(id)),
        replaced: [...now.keys()].filter((id) => before.has(id) && before.get(id) !== now.get(id)),
      }).flatMap(([change, ids]) => (ids.length > 0 ? [[change, shortened(ids)] as const] : []));
      if (changes.length === 0) return;
      log.info({ ...all, ...Object.fromEntries(changes) }, 'presets have changed');
    },
  };
}

function shortened(ids: readonly string[]): readonly string[] {
  const more = ids.length - mostNamed;
  return more > 0 ? [...ids.slice(0, mostNamed), `and ${more} more`] : ids;
}
