import { asCurl, asFetch, extensionOf, numbered } from './code.ts';
import { find, make } from './dom.ts';
import { resultOf, sideOf } from './painting.ts';
import type { Wish } from './painter.ts';
import { say, showProblem } from './problems.ts';
import { stage } from './stage.ts';

const button = (id: string) => find(id, HTMLButtonElement);
const after = find('#after', HTMLImageElement);
const texts = { curl: find('#curl', HTMLElement), fetch: find('#fetch', HTMLElement) };
/** Absent where the page came over plain HTTP from another machine. */
const clipboard = navigator.clipboard as Clipboard | undefined;

/**
 * Download, copy, 1:1, the masks, and the request as code.
 * @param link to the page with all settings
 */
export function takeAway(
  whole: () => Promise<Blob | undefined>,
  masks: () => Promise<readonly Blob[]>,
  wish: () => Wish | undefined,
  link: () => string,
): void {
  button('#download').addEventListener('click', () => {
    void whole().then((picture) => {
      if (picture) save(picture, `${wish()?.content.name ?? 'picture'}-painted`);
    });
  });
  button('#mask-save').addEventListener('click', () => {
    void masks().then((all) => {
      if (all.length === 0) say('There is no mask yet.');
      all.forEach((mask, at) => {
        save(mask, numbered('mask', all.length, at));
      });
    });
  });
  button('#copy').addEventListener('click', () => {
    const coming = whole();
    copyPicture(coming).then(
      () => {
        say('The picture is copied.');
      },
      async (error: unknown) => {
        if (await coming) showProblem(error); // else it has been said why there is none
      },
    );
  });
  button('#zoom').addEventListener('click', () => {
    if (stage.isActual) stage.actualSize(undefined);
    else
      void whole().then(async (picture) => {
        if (!picture) return;
        await after.decode();
        stage.actualSize(after.naturalWidth);
      });
  });
  button('#link').addEventListener('click', () => {
    copyText(link(), 'The link holds all settings, and no picture.');
  });
  for (const copy of document.querySelectorAll<HTMLElement>('[data-copy]')) {
    copy.addEventListener('click', () => {
      const kind = copy.dataset['copy'] === 'curl' ? 'curl' : 'fetch';
      copyText(texts[kind].textContent, 'The code is copied.');
    });
  }
  if (!clipboard) {
    for (const copy of document.querySelectorAll<HTMLElement>('#copy, #link, [data-copy]')) {
      copy.hidden = true;
    }
  }
}

/** Of a photograph that was scaled here the size is said, since the code sends it as it is. */
export async function showCode({ settings, content, masks }: Wish): Promise<void> {
  const size = settings.size ?? (content.isScaled ? sideOf(settings, content) : undefined);
  const painting = resultOf({ ...settings, size }, content, await masks());
  const address = new URL('stylize', document.baseURI).href;
  texts.curl.textContent = asCurl(painting, address);
  texts.fetch.textContent = asFetch(painting, address);
}

function save(picture: Blob, name: string): void {
  const href = URL.createObjectURL(picture);
  make('a', { href, download: `${name}.${extensionOf(picture.type)}` }).click();
  setTimeout(() => {
    URL.revokeObjectURL(href);
  }, 60_000);
}

function copyText(text: string, done: string): void {
  clipboard?.writeText(text).then(() => {
    say(done);
  }, showProblem);
}

/** As PNG, which is all that clipboards take; begun within the click, as Safari wants it. */
async function copyPicture(coming: Promise<Blob | undefined>): Promise<void> {
  const png = coming.then(async (picture) => {
    if (!picture) throw new Error('There is nothing to copy.');
    const bitmap = await createImageBitmap(picture);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext('bitmaprenderer')?.transferFromImageBitmap(bitmap);
    return canvas.convertToBlob({ type: 'image/png' });
  });
  await clipboard?.write([new ClipboardItem({ 'image/png': png })]);
}
