import { z } from 'zod';

import { ServiceError } from '../errors.ts';
import { formLimits, type FormPart } from '../http/read-form.ts';
import { nearest } from '../nearest.ts';
import { printable } from '../printable.ts';
import type { Texts } from '../store/index.ts';
import { invalid } from './stylize-complaints.ts';

const text = (most: number, what: string) => {
  const error = `at most ${most} characters, without control characters`;
  return z
    .string({ error: 'a text' })
    .max(most, { error })
    .regex(/^[^\p{Cc}]*$/u, { error })
    .describe(what);
};
const shape = {
  name: text(100, 'what people call it; its id if absent'),
  description: text(1000, 'what it looks like, by whom it is'),
  license: text(
    100,
    'under which terms its picture may be used, as SPDX has it; unknown if absent',
  ),
};

/** The form of POST /styles and PUT /styles/{id}. */
export const styleForm = z.object({
  image: z
    .custom<Buffer>((value) => Buffer.isBuffer(value), 'a file')
    .meta({ type: 'string', format: 'binary' })
    .describe('the picture that gives the look'),
  ...z.object(shape).partial().shape,
});

/** The body of PATCH /styles/{id}: what is absent stays. */
export const styleTexts = z.strictObject(shape).partial();

const textNames = Object.keys(shape) as (keyof Texts)[];
const names = ['image', ...textNames];

export interface StyleForm {
  readonly image: Buffer;
  readonly texts: Partial<Texts>;
}

/** @throws ServiceError `invalid_value` with the field and what it takes */
export function parseStyleForm(parts: readonly FormPart[]): StyleForm {
  const raw: Record<string, unknown> = {};
  for (const part of parts) {
    const { name } = part;
    if (!names.includes(name)) throw unknown(name);
    if (name in raw) throw invalid(name, 'is there twice; send it once');
    if ((name === 'image') !== (part.kind === 'file')) {
      const remedy = name === 'image' ? 'a file (curl -F image=@picture.jpg)' : 'text';
      throw invalid(name, `must be ${remedy}`);
    }
    if (part.kind === 'text' && part.isCut) {
      throw invalid(name, `is longer than ${formLimits.fieldSize} bytes`);
    }
    raw[name] = part.kind === 'file' ? part.bytes : part.value;
  }
  const { image, ...texts } = raw;
  if (!Buffer.isBuffer(image)) throw invalid('image', 'is missing; add the picture as a file');
  return { image, texts: parseTexts(texts) };
}

/** @throws ServiceError `invalid_value` with the field and what it takes */
export function parseTexts(given: unknown): Partial<Texts> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const text = `The body must be a JSON object with some of ${textNames.join(', ')}.`;
    throw new ServiceError('invalid_value', text);
  }
  const stray = Object.keys(given).find((name) => !textNames.includes(name as keyof Texts));
  if (stray !== undefined) throw unknown(stray, textNames);
  const parsed = styleTexts.safeParse(given);
  if (parsed.success) return onlyGiven(parsed.data);
  const [issue] = parsed.error.issues;
  throw invalid(String(issue?.path[0]), `takes ${issue?.message ?? ''}`);
}

function onlyGiven(texts: z.output<typeof styleTexts>): Partial<Texts> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined));
}

function unknown(name: string, known: readonly string[] = names): ServiceError {
  const meant = nearest(name, known);
  const remedy = meant ? `did you mean ${meant}?` : `the fields are ${known.join(', ')}.`;
  const text = `The field ${printable(name)} is unknown; ${remedy}`;
  return new ServiceError('invalid_value', text, { field: name });
}
