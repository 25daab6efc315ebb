import { find, hideBlob, showBlob } from './dom.ts';

const frame = find('#frame', HTMLElement);
const before = find('#before', HTMLImageElement);
const after = find('#after', HTMLImageElement);
const divider = find('#divider', HTMLInputElement);
const zoom = find('#zoom', HTMLButtonElement);
const viewport = find('#viewport', HTMLElement);

divider.addEventListener('input', () => {
  frame.style.setProperty('--at', `${divider.value}%`);
});

/** Where the pictures are compared: the photograph left of the divider, the painting right of it. */
export const stage = {
  showPhotograph(picture: Blob, { width, height }: { width: number; height: number }): void {
    showBlob(before, picture);
    hideBlob(after);
    stage.shape({ width, height });
  },
  /** Of what is shown. */
  shape({ width, height }: { width: number; height: number }): void {
    document.documentElement.style.setProperty('--ratio', String(width / height));
    stage.actualSize(undefined);
  },
  showPainting(picture: Blob, text: string): void {
    showBlob(after, picture);
    after.alt = text;
  },
  busy(isBusy: boolean): void {
    frame.classList.toggle('is-busy', isBusy);
  },
  /** One pixel of the result is one of the screen; undefined fits it in. */
  actualSize(width: number | undefined): void {
    const isActual = width !== undefined;
    viewport.classList.toggle('actual', isActual);
    zoom.ariaPressed = String(isActual);
    if (isActual) {
      viewport.tabIndex = 0; // to be scrolled by keys
      frame.style.setProperty('--width', `${width / devicePixelRatio}px`);
      viewport.scrollTo({
        left: (viewport.scrollWidth - viewport.clientWidth) / 2,
        top: (viewport.scrollHeight - viewport.clientHeight) / 2,
      });
    } else viewport.removeAttribute('tabindex');
  },
  get isActual(): boolean {
    return viewport.classList.contains('actual');
  },
};
