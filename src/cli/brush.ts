import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import type { Painting } from '../client/index.ts';
import { ServiceError } from '../errors.ts';
import type { FormPart } from '../http/read-form.ts';
import type { ResultFormat } from '../imaging/formats.ts';
import { printable } from '../printable.ts';
import { fields, files, stylizeForm, type Field } from '../routes/stylize-fields.ts';
import { parseStylizeForm } from '../routes/stylize-form.ts';
import { styleIdOf, styleIdPattern } from '../stylization/catalog.ts';
import { cannotRead, UsageError, type Arguments, type Options } from './usage.ts';

/** Of what to paint, and with: what the commands' other arguments are for, and an older name. */
const elsewhere = new Set<Field>(['content', 'style', 'styleId', 'preserveColor']);
const knobs = fields.filter((field) => !elsewhere.has(field));

/** POST /stylize's fields; both kinds of style in one option, whose order is that of `weights`. */
export const brushOptions: Options = {
  style: {
    value: 'ID|FILE',
    about:
      'a style of the server by its id, or a picture (./name where a file has an id for its name); repeated for a blend',
  },
  ...Object.fromEntries(
    knobs.map((field) => {
      const about = stylizeForm.shape[field].description ?? '';
      return [field, { value: files.has(field) ? 'FILE' : 'VALUE', about }];
    }),
  ),
};

export interface Brush {
  readonly painting: Omit<Painting, 'content' | 'format'>;
  /** Each picture's own if absent. */
  readonly format: ResultFormat | undefined;
  readonly animated: boolean;
  /** The same for whatever paints the same, in JSON: pictures are their digests. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** @throws UsageError that names the option and the remedy */
export async function readBrush(given: Arguments): Promise<Brush> {
  if (given.all('style').length === 0) {
    throw new UsageError(
      '--style is missing; name a preset (great-wave, mosaic, …) or a file, a painting of yours.',
    );
  }
  const parts: FormPart[] = [{ kind: 'file', name: 'content', bytes: Buffer.alloc(0) }];
  for (const value of given.all('style')) parts.push(await stylePart(value));
  for (const name of knobs) {
    for (const value of given.all(name)) {
      const file = files.has(name) && { kind: 'file' as const, bytes: await read(name, value) };
      parts.push(file ? { ...file, name } : { kind: 'text', name, value, isCut: false });
    }
  }
  const form = checked(parts);
  const { strokes, color, frames, size, quality, format } = form;
  const knobsTurned = {
    weights: form.counts.map(({ weight }) => weight),
    alpha: form.counts.map(({ alpha }) => alpha),
    ...{ strokes, color, frames, quality },
    ...(size !== undefined && { size }),
  };
  const styles = form.styles.map((style) => (style.kind === 'id' ? style.id : style.bytes));
  const either = (one: string | Buffer) => (typeof one === 'string' ? one : asBlob(one));
  const digests = (list: readonly (string | Buffer)[]) =>
    list.map((one) => (typeof one === 'string' ? one : digest(one)));
  return {
    painting: { ...knobsTurned, styles: styles.map(either), mask: form.masks.map(asBlob) },
    ...{ format, animated: frames === 'all' },
    settings: {
      ...{ style: digests(styles), mask: digests(form.masks), ...knobsTurned },
      ...(format && { format }),
    },
  };
}

/** What can be an id is one; several, comma separated, are several. */
async function stylePart(value: string): Promise<FormPart> {
  const isIds = value.split(',').every((id) => styleIdPattern.test(id.trim()));
  if (isIds) return { kind: 'text', name: 'styleId', value, isCut: false };
  return { kind: 'file', name: 'style', bytes: await read('style', value) };
}

async function read(option: string, path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    const id = option === 'style' ? styleIdOf(path) : undefined;
    const remedy = id && `Did you mean the id ${id}?`;
    throw cannotRead(`--${option} is ${printable(path)}, which`, cause, remedy);
  });
}

/** The service's own check, which here speaks of options. */
function checked(parts: readonly FormPart[]) {
  try {
    return parseStylizeForm(parts);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const option = `--${error.field === 'styleId' ? 'style' : error.field}`;
    const text = error.message.replace(/^The field \w+/, option);
    throw new UsageError(text.startsWith(option) ? text : `${option}: ${text}`, { cause: error });
  }
}

const asBlob = (bytes: Buffer) => new Blob([new Uint8Array(bytes)]);
const digest = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
