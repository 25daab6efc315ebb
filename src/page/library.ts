import type { AdainClient, Style } from '../client/index.ts';
import { find } from './dom.ts';
import { say, showProblem } from './problems.ts';
import { makeTile, type Tile, type TileActions } from './tiles.ts';
import { patience } from './waiting.ts';

const section = find('#library', HTMLElement);
const list = find('#registered', HTMLUListElement);
const more = find('#more', HTMLButtonElement);
const atOnce = 48;

/** Styles that users have registered, some at a time. */
export function createLibrary(client: AdainClient, actions: TileActions) {
  const tiles: Tile[] = [];
  const { signal } = new AbortController();
  const listing = patience(signal, find('#sheet-status', HTMLElement));
  /** The last that was listed. */
  let after: string | undefined;

  function add(style: Style, where: 'append' | 'prepend'): void {
    if (tiles.some((tile) => tile.style.id === style.id)) return;
    const tile = makeTile(style, actions);
    tiles.push(tile);
    list[where](tile.element);
    section.hidden = false;
  }
  /** @throws what kept the next ones away; they can be asked for again */
  async function load(): Promise<void> {
    const query = {
      kind: 'registered',
      limit: atOnce,
      ...(after !== undefined && { after }),
    } as const;
    const styles = client.styles(query, listing);
    try {
      for (let count = 0; count < atOnce; count++) {
        const next = await styles.next();
        more.hidden = next.done === true;
        if (next.done) return;
        after = next.value.id;
        add(next.value, 'append');
      }
    } catch (error) {
      section.hidden = more.hidden = false;
      throw error;
    }
  }
  more.addEventListener('click', () => {
    load().catch(showProblem);
  });

  return {
    tiles,
    load,
    /** @returns what it has become; undefined when it was refused, which is shown */
    async save(image: Blob, name: string): Promise<Style | undefined> {
      try {
        const saving = patience(signal, find('#status', HTMLElement));
        const style = await client.registerStyle({ image, ...(name && { name }) }, saving);
        add(style, 'prepend');
        say(`${style.name} is in the library.`);
        return style;
      } catch (error) {
        showProblem(error);
        return undefined;
      }
    },
  };
}
