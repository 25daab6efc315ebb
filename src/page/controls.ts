import { find } from './dom.ts';
import { colors, formats, type Settings } from './settings.ts';

type Controls = Omit<Settings, 'styles'>;

const auto = find('#strokes-auto', HTMLInputElement);
const strokes = find('#strokes', HTMLInputElement);
const size = find('#size', HTMLInputElement);
const format = find('#format', HTMLSelectElement);
const quality = find('#quality', HTMLInputElement);
const frames = find('#frames', HTMLInputElement);
const form = find('#controls', HTMLFormElement);
const [strokesOutput, qualityOutput] = ['strokes', 'quality'].map((name) =>
  find(`output[for=${name}]`, HTMLOutputElement),
);

/** Sliders of strokes go by doubling: -2 is a quarter, 2 four times. */
const widthOf = (exponent: number) => Math.round(2 ** exponent * 100) / 100;

/** Tells the page of every change of the controls but those of styles. */
export function onControls(change: (controls: Controls) => void): void {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
  });
  form.addEventListener('input', ({ target }) => {
    if (!(target instanceof Element) || target.closest('#chosen')) return;
    if (target === strokes) auto.checked = false;
    const controls = readControls();
    showOutputs(controls);
    change(controls);
  });
}

function readControls(): Controls {
  const color = new FormData(form).get('color');
  return {
    strokes: auto.checked ? 'auto' : widthOf(strokes.valueAsNumber),
    color: colors.find((value) => value === color) ?? 'style',
    size: size.value ? size.valueAsNumber : undefined,
    format: formats.find((value) => value === format.value),
    quality: quality.valueAsNumber,
    frames: frames.checked ? 'all' : 'first',
  };
}

export function showControls(controls: Controls): void {
  auto.checked = controls.strokes === 'auto';
  if (controls.strokes !== 'auto') strokes.value = String(Math.log2(controls.strokes));
  find(`input[name=color][value=${controls.color}]`, HTMLInputElement, form).checked = true;
  size.value = String(controls.size ?? '');
  format.value = controls.format ?? '';
  quality.value = String(controls.quality);
  frames.checked = controls.frames === 'all';
  showOutputs(controls);
}

function showOutputs(controls: Controls): void {
  if (strokesOutput) {
    strokesOutput.value = controls.strokes === 'auto' ? 'auto' : `${controls.strokes} ×`;
  }
  if (qualityOutput) qualityOutput.value = String(controls.quality);
  // Nothing is lost of it.
  quality.disabled = controls.format === 'png';
}

/** Frames are asked for where there may be some. */
export function offerFrames(mayMove: boolean): void {
  find('#frames-label', HTMLElement).hidden = !mayMove;
}
