import { ProblemError, type AdainClient } from '../client/index.ts';
import { find } from './dom.ts';
import { thumbnailOf, type Content } from './painting.ts';
import type { Tile } from './tiles.ts';
import { patience } from './waiting.ts';

const inFlight = 2;
const status = find('#sheet-status', HTMLElement);

/** A style may be taken away while the page is open; the others are there. */
const ifGone = (error: unknown): undefined => {
  if (!(error instanceof ProblemError) || error.problem.field !== 'styleId') throw error;
};

/**
 * The contact sheet: the photograph in every style, one after the other, two at a time.
 * @returns what begins anew with another photograph, or none, and gives up what is under way
 */
export function createSheet(client: AdainClient) {
  let running: AbortController | undefined;

  return async function paint(content: Content | undefined, tiles: readonly Tile[]): Promise<void> {
    running?.abort();
    const { signal } = (running = new AbortController());
    for (const tile of tiles) tile.reset();
    status.textContent = '';
    if (!content) return;
    let done = 0;
    const say = () => {
      const rest = done < tiles.length ? `${done} of ${tiles.length} …` : '';
      status.textContent = rest;
    };
    say();
    const rest = tiles.values();
    const work = async () => {
      for (const tile of rest) {
        const painting = thumbnailOf(content, tile.style.id);
        const painted = await client.stylize(painting, patience(signal, status)).catch(ifGone);
        signal.throwIfAborted();
        if (painted) tile.show(painted.picture);
        done++;
        say();
      }
    };
    try {
      await Promise.all(Array.from({ length: inFlight }, work));
    } catch (error) {
      if (signal.aborted) return;
      running.abort();
      status.textContent = (error as Error).message;
    }
  };
}
