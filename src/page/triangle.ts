import { balanceOf, weightsAt } from './balance.ts';
import { make } from './dom.ts';

/** Weights of three styles as a point to drag; who cannot has a slider for each. */
export function makeTriangle(
  pictures: readonly HTMLImageElement[],
  change: (weights: readonly number[]) => void,
) {
  const point = make('span', { className: 'point' });
  const field = make('span', { className: 'field' }, point);
  const show = (weights: readonly number[]) => {
    const [x, y] = balanceOf(weights);
    point.style.left = `${100 * x}%`;
    point.style.top = `${100 * y}%`;
  };
  const take = (event: PointerEvent) => {
    const { left, top, width, height } = field.getBoundingClientRect();
    const weights = weightsAt((event.clientX - left) / width, (event.clientY - top) / height);
    show(weights);
    change(weights);
  };
  field.addEventListener('pointerdown', (event) => {
    field.setPointerCapture(event.pointerId);
    take(event);
  });
  field.addEventListener('pointermove', (event) => {
    if (field.hasPointerCapture(event.pointerId)) take(event);
  });
  const element = make('li', { className: 'triangle', ariaHidden: 'true' }, field, ...pictures);
  return { element, show };
}
