import { type ColorMode, maxStyles } from '../engine/types.ts';
import { ServiceError } from '../errors.ts';
import { decimal } from '../http/decimal.ts';
import { formLimits, type FormPart } from '../http/read-form.ts';
import type { StyleSource } from '../stylization/styles.ts';
import { invalid, pointed, unknown, wrong } from './stylize-complaints.ts';
import { type Field, files, isField, lists, numbers, stylizeForm } from './stylize-fields.ts';

/**
 * Checks a form's parts, keeping the order of its styles.
 * @throws ServiceError `invalid_value` with the field and what it takes.
 */
export function parseStylizeForm(parts: readonly FormPart[]) {
  const raw: Partial<Record<Field, unknown>> = {};
  const styles: StyleSource[] = [];
  for (const part of parts) {
    const { name } = part;
    if (!isField(name)) throw unknown(name);
    checkKind(name, part);
    if (part.kind === 'file' && name === 'style') {
      styles.push({ kind: 'picture', bytes: part.bytes });
    } else if (part.kind === 'text' && name === 'styleId') {
      for (const id of split(part.value)) styles.push({ kind: 'id', id });
    }
    if (lists.has(name)) {
      raw[name] = [...((raw[name] as unknown[] | undefined) ?? []), ...values(name, part)];
    } else if (raw[name] === undefined) {
      [raw[name]] = values(name, part);
    } else {
      throw invalid(name, 'is there twice; send it once');
    }
  }

  if (raw.content === undefined) {
    throw invalid('content', 'is missing; add the picture to repaint as a file');
  }
  const parsed = stylizeForm.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const [name, index] = (issue?.path ?? []) as [Field, PropertyKey | undefined];
    const takes = issue?.message ?? '';
    throw wrong(name, sent(name, parts), index, takes);
  }
  const { color, preserveColor, weights, alpha, mask: masks, ...form } = parsed.data;
  checkStyles(styles, weights, commaHint('weights', parts, styles.length));
  checkOneOrEach(
    'alpha',
    'alphas',
    alpha.length,
    styles.length,
    commaHint('alpha', parts, styles.length),
  );
  if (masks.length > 1) checkPlaced(masks.length, styles.length);
  if (masks.length > 0) checkOneOrEach('mask', 'masks', masks.length, styles.length);
  const counts = styles.map((_, index) => ({
    weight: weights?.[index] ?? 1,
    alpha: (alpha.length > 1 ? alpha[index] : alpha[0]) as number,
  }));
  return { ...form, styles, counts, masks, color: colorOf(color, preserveColor) };
}

function checkKind(name: Field, part: FormPart): void {
  if (files.has(name) !== (part.kind === 'file')) {
    if (part.kind === 'file') throw invalid(name, 'is a file; send it as text');
    const hint = name === 'style' ? ', or name a preset with styleId' : '';
    throw invalid(name, `is text; send it as a file (curl -F ${name}=@picture.jpg)${hint}`);
  }
  if (part.kind === 'text' && part.isCut) {
    throw invalid(name, `is longer than ${formLimits.fieldSize} bytes`);
  }
}

/** Other ways to write a value, by the field: what checkboxes send, and what languages print. */
const spellings: Partial<Record<Field, Readonly<Record<string, string>>>> = {
  color: {},
  frames: {},
  format: { jpg: 'jpeg' },
  preserveColor: { 1: 'true', on: 'true', 0: 'false', off: 'false' },
  strokes: { auto: 'auto' },
};

/** A part's values: the text of a list may hold several. */
function values(name: Field, part: FormPart): unknown[] {
  if (part.kind === 'file') return [part.bytes];
  const spelling = spellings[name];
  return splitIfList(name, part.value).map((text) => {
    const lower = text.toLowerCase();
    const value = spelling?.[lower];
    if (value !== undefined) return value;
    if (numbers.has(name)) return decimal(text);
    return spelling ? lower : text;
  });
}

/** A list as forms write it, a,b, or as JSON does, [a,b]. */
const split = (text: string): string[] =>
  text
    .replace(/^\[(.*)\]$/, '$1')
    .split(',')
    .map((value) => value.trim());

const splitIfList = (name: Field, text: string): string[] =>
  lists.has(name) ? split(text) : [text];

const texts = (name: Field, parts: readonly FormPart[]): string[] =>
  parts
    .filter((part) => part.name === name)
    .map((part) => (part.kind === 'text' ? part.value : 'a file'));

/** All values of a field, as they were sent: both that we make of 0,5 are that. */
function sent(name: Field, parts: readonly FormPart[]): string[] {
  return texts(name, parts).flatMap((text) => {
    const values = splitIfList(name, text);
    return decimal(pointed(text) ?? '') <= 1 ? values.map(() => text) : values;
  });
}

/** What twice as many numbers as there are styles were meant to be: 0,1 is two. */
function commaHint(name: Field, parts: readonly FormPart[], styles: number): string {
  const meant = texts(name, parts).map(pointed);
  const isSo = meant.length === styles && !meant.includes(undefined);
  return isSo ? ` Did you mean ${meant.join(' and ')}?` : '';
}

/** Of `color` and its older name, which wishes for nothing when it is false. */
function colorOf(color: ColorMode | undefined, preserveColor: string | undefined): ColorMode {
  if (preserveColor !== 'true') return color ?? 'style';
  if (color === undefined || color === 'content') return 'content';
  throw invalid(
    'preserveColor',
    `is true, as color=content, and color is ${color}; send color alone`,
  );
}

function checkStyles(
  styles: readonly StyleSource[],
  weights: readonly number[] | undefined,
  hint: string,
): void {
  if (styles.length === 0) {
    throw invalid('styleId', 'is missing; name a preset (GET /styles) or send a picture as style');
  }
  if (!weights) return;
  if (weights.length !== styles.length) {
    const [needed, came] = [count(styles.length, 'style'), weights.length];
    const text = `${needed} need${styles.length === 1 ? 's' : ''} ${count(styles.length, 'weight')}; ${came} came. Send one a style in weights, or none.${hint}`;
    throw new ServiceError('invalid_value', text, { field: 'weights' });
  }
  if (!weights.some((weight) => weight > 0)) {
    throw invalid('weights', 'are all 0; make at least one positive');
  }
}

/** More styles than have places of their own are blended, in one place. */
function checkPlaced(masks: number, styles: number): void {
  if (styles <= maxStyles) return;
  const text = `${styles} styles share 1 mask; ${masks} came. Send one, or one a style for at most ${maxStyles} styles.`;
  throw new ServiceError('invalid_value', text, { field: 'mask' });
}

/** One for all styles, or one a style. */
function checkOneOrEach(field: Field, many: string, came: number, styles: number, hint = ''): void {
  if (came === 1 || came === styles) return;
  const text =
    styles === 1
      ? `1 style needs 1 ${field}; ${came} came. Send one.`
      : `${styles} styles need 1 or ${styles} ${many}; ${came} came. Send one for all styles, or one a style in their order.`;
  throw new ServiceError('invalid_value', text + hint, { field });
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
