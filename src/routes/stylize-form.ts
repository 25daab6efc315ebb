import { z } from 'zod';

import { ServiceError } from '../errors.ts';
import { decimal } from '../http/decimal.ts';
import { formLimits, type FormPart } from '../http/read-form.ts';
import { pictureFormats } from '../imaging/formats.ts';
import { nearest } from '../nearest.ts';
import { printable } from '../printable.ts';
import { smallestSide } from '../rgb-image.ts';
import { styleIdOf, styleIdPattern } from '../stylization/catalog.ts';
import type { StyleSource } from '../stylization/styles.ts';

const maxStyles = 8;

const file = z
  .custom<Buffer>((value) => Buffer.isBuffer(value), 'a file')
  .meta({ type: 'string', format: 'binary' });

const number = (min: number, max: number) => {
  const error = `a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
};
const whole = (min: number, max: number) => {
  const error = `a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};
const upTo8 = { error: `at most ${maxStyles} of them` };

/** The form of POST /stylize: its documentation, and the check of what came. */
export const stylizeForm = z.object({
  content: file.describe('the picture to repaint'),
  style: z
    .array(file.meta({ examples: [''] }))
    .max(maxStyles, upTo8)
    .default([])
    .describe('pictures that give the look'),
  styleId: z
    .array(z.string().regex(styleIdPattern, 'ids as GET /styles or a Style-Id header gives them'))
    .max(maxStyles, upTo8)
    .default([])
    .describe(
      'presets, or styles uploaded before as the Style-Id header named them, comma separated or repeated',
    )
    .meta({ examples: [['mosaic']] }),
  weights: z
    .array(number(0, 1e6))
    .optional()
    .describe('one a style in the order of the form, comma separated or repeated; equal if absent')
    .meta({ examples: [[]] }),
  alpha: number(0, 1).default(1).describe('how much style: 0 none, 1 all'),
  preserveColor: z
    .enum(['true', 'false'], { error: 'true or false' })
    .default('false')
    .describe("keep the content's colours and take only light and texture from the style"),
  size: whole(smallestSide, 65_535)
    .optional()
    .describe("longest side of the result in pixels; the content's own if absent")
    .meta({ examples: [512] }),
  format: z
    .enum(pictureFormats, { error: `one of ${pictureFormats.join(', ')}` })
    .optional()
    .describe(
      "the result's format; else the Accept header's, else the content's own (of a GIF: PNG), if it can hold the picture",
    ),
  quality: whole(1, 100).default(85).describe('of a lossy format'),
});

type Field = keyof typeof stylizeForm.shape;
const fields = Object.keys(stylizeForm.shape) as Field[];
const isField = (name: string): name is Field => fields.includes(name as Field);
const lists = new Set<Field>(['style', 'styleId', 'weights']);
const files = new Set<Field>(['content', 'style']);
const numbers = new Set<Field>(['weights', 'alpha', 'size', 'quality']);

/** What other services call these fields. */
const otherNames = new Map<string, Field>([
  ...(['image', 'file', 'photo', 'picture', 'input', 'source'] as const).map(
    (name) => [name, 'content'] as const,
  ),
  ...(['preset', 'styles'] as const).map((name) => [name, 'styleId'] as const),
  ...(['strength', 'intensity'] as const).map((name) => [name, 'alpha'] as const),
  ...(['width', 'height', 'maxsize', 'resolution'] as const).map((name) => [name, 'size'] as const),
  ['keepcolor', 'preserveColor'],
]);

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
    const [name, index] = issue?.path ?? [];
    throw wrong(name as Field, index, issue?.message ?? '', parts);
  }
  const { weights, preserveColor, ...form } = parsed.data;
  checkStyles(styles, weights);
  return { ...form, styles, weights, preserveColor: preserveColor === 'true' };
}

function unknown(name: string): ServiceError {
  const plain = name.replaceAll(/[^a-z]/gi, '').toLowerCase();
  const meant = otherNames.get(plain) ?? fields.find((field) => field.toLowerCase() === plain);
  const known = meant ?? nearest(plain, fields);
  const remedy = known ? `did you mean ${known}?` : `the fields are ${fields.join(', ')}`;
  const text = `The field ${printable(name)} is unknown; ${remedy}${known ? '' : '.'}`;
  return new ServiceError('invalid_value', text, { field: name });
}

/** Quotes the value as it was sent, and says what was probably meant. */
function wrong(
  name: Field,
  index: PropertyKey | undefined,
  takes: string,
  parts: readonly FormPart[],
): ServiceError {
  const sent = parts.flatMap((part) =>
    part.kind === 'text' && part.name === name ? splitIfList(name, part.value) : [],
  );
  const value = sent[typeof index === 'number' ? index : 0] ?? '';
  const meant = index === undefined && lists.has(name) ? undefined : suggestion(name, value);
  const is =
    sent.length > 1 && index === undefined ? `has ${sent.length} values` : `is ${printable(value)}`;
  const text = `The field ${name} ${is}; it takes ${takes}.${meant ? ` Did you mean ${meant}?` : ''}`;
  return new ServiceError('invalid_value', text, { field: name });
}

function suggestion(name: Field, value: string): string | undefined {
  switch (name) {
    case 'alpha': {
      const percent = decimal(value.replace(/%$/, ''));
      return percent > 1 && percent <= 100 ? String(percent / 100) : undefined;
    }
    case 'size':
    case 'quality': {
      const number = Math.round(decimal(value.replace(/(px|%)$/i, '').trim()));
      const { success } = stylizeForm.shape[name].safeParse(number);
      return success && Number.isFinite(number) ? String(number) : undefined;
    }
    case 'styleId':
      return styleIdOf(value);
    case 'format':
      return nearest(value, pictureFormats);
    default:
      return undefined;
  }
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

/** A list as forms write it, a,b, or as JSON does, [a,b]. */
const split = (text: string): string[] =>
  text
    .replace(/^\[(.*)\]$/, '$1')
    .split(',')
    .map((value) => value.trim());

const splitIfList = (name: Field, text: string): string[] =>
  lists.has(name) ? split(text) : [text];

/** Other ways to write a value, by the field: what checkboxes send, and what languages print. */
const spellings: Partial<Record<Field, Readonly<Record<string, string>>>> = {
  format: { jpg: 'jpeg' },
  preserveColor: { 1: 'true', on: 'true', 0: 'false', off: 'false' },
};

/** A part's values: the text of a list may hold several. */
function values(name: Field, part: FormPart): unknown[] {
  if (part.kind === 'file') return [part.bytes];
  const texts = splitIfList(name, part.value);
  if (numbers.has(name)) return texts.map(decimal);
  const spelling = spellings[name];
  if (!spelling) return texts;
  return texts.map((text) => spelling[text.toLowerCase()] ?? text.toLowerCase());
}

function checkStyles(styles: readonly StyleSource[], weights: readonly number[] | undefined): void {
  if (styles.length === 0) {
    throw invalid('styleId', 'is missing; name a preset (GET /styles) or send a picture as style');
  }
  if (!weights) return;
  if (weights.length !== styles.length) {
    const [needed, came] = [count(styles.length, 'style'), weights.length];
    const text = `${needed} need${styles.length === 1 ? 's' : ''} ${count(styles.length, 'weight')}; ${came} came. Send one a style in weights, or none.`;
    throw new ServiceError('invalid_value', text, { field: 'weights' });
  }
  if (!weights.some((weight) => weight > 0)) {
    throw invalid('weights', 'are all 0; make at least one positive');
  }
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;

function invalid(field: string, complaint: string): ServiceError {
  return new ServiceError('invalid_value', `The field ${field} ${complaint}.`, { field });
}
