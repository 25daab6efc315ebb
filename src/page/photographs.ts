import { find, onFiles } from './dom.ts';

export interface Dropped {
  /** Of ours it has yet to come. */
  readonly photograph: (file: File | Promise<File>) => void;
  readonly style: (file: File) => void;
  readonly mask: (file: File) => void;
}

const pictures = (files: FileList | undefined | null) =>
  [...(files ?? [])].filter(({ type }) => type === '' || type.startsWith('image/'));

/** All ways by which pictures come: chosen, photographed, dropped, pasted, or one of the examples. */
export function takePictures({ photograph, style, mask }: Dropped): void {
  for (const id of ['#choose', '#camera']) {
    onFiles(find(id, HTMLInputElement), ([file]) => {
      if (file) photograph(file);
    });
  }
  onFiles(find('#own-style', HTMLInputElement), (files) => {
    files.forEach(style);
  });
  for (const button of document.querySelectorAll<HTMLElement>('[data-example]')) {
    button.addEventListener('click', () => {
      photograph(readExample(button.dataset['example'] ?? ''));
    });
  }
  document.addEventListener('paste', ({ clipboardData }) => {
    const [file] = pictures(clipboardData?.files);
    if (file) photograph(file);
  });
  const { body } = document;
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    body.classList.add('dragging');
  });
  document.addEventListener('dragleave', ({ relatedTarget }) => {
    if (!relatedTarget) body.classList.remove('dragging');
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    body.classList.remove('dragging');
    const files = pictures(event.dataTransfer?.files);
    const at = event.target instanceof Element ? event.target : body;
    if (at.closest('#controls')) files.forEach(style);
    else if (at.closest('#brush, #mask')) files.slice(0, 1).forEach(mask);
    else files.slice(0, 1).forEach(photograph);
  });
}

async function readExample(name: string): Promise<File> {
  const answer = await fetch(`assets/examples/${name}.jpg`).catch(() => undefined);
  if (!answer?.ok) throw new Error('The service does not send it. Try again, or choose your own.');
  return new File([await answer.blob()], `${name}.jpg`, { type: 'image/jpeg' });
}
