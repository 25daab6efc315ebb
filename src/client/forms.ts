import type { paths } from './api.ts';

type Fields = paths['/stylize']['post']['requestBody']['content']['multipart/form-data'];
type StyleFields = paths['/styles']['post']['requestBody']['content']['multipart/form-data'];

/** What POST /stylize takes, with styles of both kinds in one list: their order is that of `weights`. */
export interface Painting extends Partial<
  Omit<Fields, 'content' | 'style' | 'styleId' | 'mask' | 'preserveColor'>
> {
  readonly content: Blob;
  /** Ids, or pictures that give the look. */
  readonly styles: readonly (string | Blob)[];
  /** One for all styles, or one a style. */
  readonly mask?: readonly Blob[];
}

/** What POST /styles takes, or PUT /styles/{id}. */
export interface NewStyle extends Partial<Omit<StyleFields, 'image'>> {
  readonly image: Blob;
  /** Of your own, in place of the style that has it; that of the picture's pixels if absent. */
  readonly id?: string;
}

export function paintingForm({ content, styles, mask = [], ...texts }: Painting): FormData {
  const form = new FormData();
  form.append('content', content, 'content');
  for (const style of styles) {
    if (typeof style === 'string') form.append('styleId', style);
    else form.append('style', style, 'style');
  }
  for (const one of mask) form.append('mask', one, 'mask');
  appendTexts(form, texts);
  return form;
}

export function styleForm({ image, ...texts }: Omit<NewStyle, 'id'>): FormData {
  const form = new FormData();
  form.append('image', image, 'image');
  appendTexts(form, texts);
  return form;
}

/** A list is sent comma separated. */
function appendTexts(
  form: FormData,
  texts: Readonly<Record<string, string | number | readonly number[] | undefined>>,
): void {
  for (const [name, value] of Object.entries(texts)) {
    if (value !== undefined) form.append(name, String(value));
  }
}
