import { find, make, showBlob } from './dom.ts';
import type { ChosenStyle } from './settings.ts';
import { makeTriangle } from './triangle.ts';

const list = find('#chosen', HTMLUListElement);

interface Actions {
  readonly change: (at: number, part: Partial<ChosenStyle>) => void;
  readonly remove: (at: number) => void;
  readonly save: (at: number, name: string) => void;
}

/** Lists the styles that are painted in, with how much of each; of three there is a triangle, too. */
export function renderChosen(styles: readonly ChosenStyle[], actions: Actions): void {
  for (const image of list.querySelectorAll('img')) URL.revokeObjectURL(image.src);
  const weights = styles.map(({ weight }) => weight);
  const weigh = (at: number, weight: number) => {
    weights[at] = weight;
    actions.change(at, { weight });
  };
  const sliders = styles.map(({ name, weight }, at) =>
    slider(`Weight of ${name}`, 'Weight', weight, 10, (value) => {
      weigh(at, value);
      triangle?.show(weights);
    }),
  );
  const triangle =
    styles.length === 3
      ? makeTriangle(styles.map(pictureOf), (dragged) => {
          dragged.forEach((weight, at) => {
            sliders[at]?.show(weight);
            weigh(at, weight);
          });
        })
      : undefined;
  triangle?.show(weights);
  const rows = styles.map((style, at) =>
    row(style, at, styles.length > 1 ? sliders[at]?.element : undefined, actions),
  );
  const isUsed = list.contains(document.activeElement);
  list.replaceChildren(...rows, ...(triangle ? [triangle.element] : []));
  // Whoever has taken one away goes on from here, not from the page's beginning.
  if (isUsed) list.querySelector<HTMLElement>('button, input')?.focus({ preventScroll: true });
}

function pictureOf({ id, picture }: ChosenStyle): HTMLImageElement {
  const image = make('img', { alt: '', width: 48, height: 48 });
  if (picture) showBlob(image, picture);
  else if (id !== undefined) image.src = `styles/${id}/thumbnail`;
  return image;
}

/** @param weight absent where there is one style */
function row(
  style: ChosenStyle,
  at: number,
  weight: HTMLElement | undefined,
  actions: Actions,
): HTMLLIElement {
  const { name, picture, alpha } = style;
  const remove = make('button', { type: 'button', className: 'quiet', textContent: '×' });
  remove.title = remove.ariaLabel = `Without ${name}`;
  remove.addEventListener('click', () => {
    actions.remove(at);
  });
  const strength = slider(`Strength of ${name}`, 'Strength', alpha * 100, 100, (value) => {
    actions.change(at, { alpha: value / 100 });
  });
  return make(
    'li',
    {},
    pictureOf(style),
    make('span', { className: 'name' }, name),
    ...(weight ? [remove] : []),
    strength.element,
    ...(weight ? [weight] : []),
    ...(picture ? [saving(at, name, actions)] : []),
  );
}

function slider(
  label: string,
  short: string,
  value: number,
  max: number,
  change: (value: number) => void,
) {
  const input = make('input', { type: 'range', min: '0', max: String(max), ariaLabel: label });
  input.step = max > 10 ? '1' : '0.1';
  const output = make('output');
  const show = (value: number) => {
    input.value = String(value);
    output.value = String(Math.round(value * 10) / 10);
  };
  show(value);
  input.addEventListener('input', () => {
    output.value = input.value;
    change(input.valueAsNumber);
  });
  return { element: make('label', { className: 'slider' }, short, output, input), show };
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
