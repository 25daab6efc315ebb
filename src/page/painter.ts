import type { AdainClient, Painted, Painting } from '../client/index.ts';
import { find } from './dom.ts';
import { createLatest } from './latest.ts';
import { isFiner, isWhole, previewOf, resultOf, type Content } from './painting.ts';
import { say, showProblem } from './problems.ts';
import type { Settings } from './settings.ts';
import { stage } from './stage.ts';
import { patience } from './waiting.ts';

const status = find('#status', HTMLElement);
const timing = find('#timing', HTMLElement);
const delayMs = 200;

export interface Wish {
  readonly settings: Settings;
  readonly content: Content;
  readonly masks: () => Promise<readonly Blob[]>;
}

/**
 * Paints what is wished for: a preview that follows, and the whole picture when it is asked for.
 * @param wish undefined while there is nothing to paint
 */
export function createPainter(
  client: AdainClient,
  wish: () => Wish | undefined,
  painted: (styleIds: readonly string[]) => void,
) {
  /** Under way, or made. */
  let whole: Promise<Painted | undefined> | undefined;
  let running: AbortController | undefined;

  async function paint(
    { settings }: Wish,
    painting: Painting,
    signal: AbortSignal,
    more = '',
  ): Promise<Painted | undefined> {
    stage.busy(true);
    try {
      const made = await client.stylize(painting, patience(signal, status));
      if (signal.aborted) return undefined;
      const names = new Intl.ListFormat('en').format(settings.styles.map(({ name }) => name));
      stage.showPainting(made.picture, `The photograph as ${names}`);
      say(`Painted as ${names}.${more}`);
      timing.textContent = told(made);
      painted(made.styleIds);
      return made;
    } catch (error) {
      if (signal.aborted) return undefined;
      say(''); // what was under way is not, wherever it is said why
      showProblem(error);
      return undefined;
    } finally {
      if (!signal.aborted) stage.busy(false);
    }
  }

  const share = async (painting: Promise<Painted | undefined>) => {
    whole = painting;
    const made = await painting;
    if (!made && whole === painting) whole = undefined; // whoever asks again has it tried again
    return made;
  };

  const preview = createLatest(async (signal) => {
    const asked = wish();
    if (!asked) return;
    const { settings, content } = asked;
    const masks = await asked.masks();
    if (signal.aborted) return;
    const finer = ' The whole picture has finer strokes than this preview: 1:1 shows them.';
    const more = isFiner(settings, content) ? finer : '';
    const painting = paint(asked, previewOf(settings, content, masks), signal, more);
    if (isWhole(settings, content)) await share(painting);
    else if (await painting) stage.actualSize(undefined);
  }, delayMs);

  function cancel(): void {
    whole = undefined;
    running?.abort();
    preview.cancel();
    stage.busy(false);
  }

  return {
    cancel,
    /** The wish has changed. */
    ask(soon?: number): void {
      cancel();
      stage.busy(true); // what is shown is not what is wished for
      preview.ask(soon);
    },
    /** The result as it was asked for; undefined when it fails, or something else is asked for. */
    async whole(): Promise<Blob | undefined> {
      if (whole) return (await whole)?.picture; // that of another button
      const asked = wish();
      if (!asked) return undefined;
      preview.cancel();
      const { signal } = (running = new AbortController());
      say('Painting the whole picture …');
      const painting = asked
        .masks()
        .then((masks) => paint(asked, resultOf(asked.settings, asked.content, masks), signal));
      return (await share(painting))?.picture;
    },
  };
}

function told({ timings, picture }: Painted): string {
  const { total = 0, ...stages } = timings;
  const parts = Object.entries(stages).map(([name, ms]) => `${name} ${Math.round(ms)}`);
  return `${Math.round(total)} ms (${parts.join(' · ')}), ${Math.round(picture.size / 1024)} KB`;
}
