import type { Style } from '../client/index.ts';
import { hideBlob, make, showBlob } from './dom.ts';

export interface TileActions {
  /** Paints in this style alone. */
  readonly pick: (style: Style) => void;
  /** Adds it to those that are blended. */
  readonly add: (style: Style) => void;
}

export interface Tile {
  readonly style: Style;
  readonly element: HTMLLIElement;
  readonly show: (painted: Blob) => void;
  /** Shows the style itself again. */
  readonly reset: () => void;
  readonly mark: (isChosen: boolean) => void;
}

/** A style to choose: its own picture, until the photograph has been painted in it. */
export function makeTile(style: Style, { pick, add }: TileActions): Tile {
  const { id, name, description, links } = style;
  const own = make('img', { className: 'style', alt: '', loading: 'lazy' });
  if (links.thumbnail !== undefined) own.src = `styles/${id}/thumbnail`;
  const painted = make('img', { className: 'painted', alt: '', hidden: true });
  const choose = make(
    'button',
    { type: 'button', className: 'pick', title: description },
    make('span', { className: 'pictures' }, own, painted),
    make('span', { className: 'name' }, name),
  );
  const plus = make('button', { type: 'button', className: 'add', textContent: '+' });
  plus.title = plus.ariaLabel = `Blend with ${name}`;
  choose.addEventListener('click', () => {
    pick(style);
  });
  plus.addEventListener('click', () => {
    add(style);
  });
  choose.ariaPressed = 'false';
  const element = make('li', {}, choose, plus);
  element.dataset['style'] = id;
  return {
    style,
    element,
    show: (blob) => {
      showBlob(painted, blob);
    },
    reset: () => {
      hideBlob(painted);
    },
    mark: (isChosen) => {
      choose.ariaPressed = String(isChosen);
    },
  };
}
