import { find, make, showBlob } from './dom.ts';
import type { ChosenStyle } from './settings.ts';

const list = find('#chosen', HTMLUListElement);

interface Actions {
  readonly change: (at: number, part: Partial<ChosenStyle>) => void;
  readonly remove: (at: number) => void;
  readonly save: (at: number, name: string) => void;
}

/** Lists the styles that are painted in, with how much of each. */
export function renderChosen(styles: readonly ChosenStyle[], actions: Actions): void {
  for (const image of list.querySelectorAll('img')) URL.revokeObjectURL(image.src);
  list.replaceChildren(...styles.map((style, at) => row(style, at, styles.length > 1, actions)));
}

function row(style: ChosenStyle, at: number, isBlend: boolean, actions: Actions): HTMLLIElement {
  const { id, name, picture, weight, alpha } = style;
  const image = make('img', { alt: '', width: 48, height: 48 });
  if (picture) showBlob(image, picture);
  else if (id !== undefined) image.src = `styles/${id}/thumbnail`;
  const remove = make('button', { type: 'button', className: 'quiet', textContent: '×' });
  remove.title = remove.ariaLabel = `Without ${name}`;
  remove.addEventListener('click', () => {
    actions.remove(at);
  });
  const element = make(
    'li',
    {},
    image,
    make('span', { className: 'name' }, name),
    ...(isBlend ? [remove] : []),
    slider(`Strength of ${name}`, 'Strength', alpha * 100, 100, (value) => {
      actions.change(at, { alpha: value / 100 });
    }),
  );
  if (isBlend) {
    const change = (value: number) => {
      actions.change(at, { weight: value });
    };
    element.append(slider(`Weight of ${name}`, 'Weight', weight, 10, change));
  }
  if (picture) element.append(saving(at, name, actions));
  return element;
}

function slider(
  label: string,
  short: string,
  value: number,
  max: number,
  change: (value: number) => void,
): HTMLLabelElement {
  const input = make('input', { type: 'range', min: '0', max: String(max), ariaLabel: label });
  input.step = max > 10 ? '1' : '0.1';
  input.value = String(value);
  const output = make('output', {}, String(Math.round(value * 10) / 10));
  input.addEventListener('input', () => {
    output.value = input.value;
    change(Number(input.value));
  });
  return make('label', { className: 'slider' }, short, output, input);
}

/** An own picture may stay, for others too. */
function saving(at: number, name: string, { save }: Actions): HTMLSpanElement {
  const input = make('input', { type: 'text', value: name, maxLength: 100 });
  input.ariaLabel = 'Its name in the library';
  const button = make('button', { type: 'button' }, 'Save to library');
  button.addEventListener('click', () => {
    save(at, input.value);
  });
  return make('span', { className: 'row saving' }, input, button);
}
