/** What the refusal of a form says: what is wrong, quoted, and what was probably meant. */
import { colorModes } from '../engine/types.ts';
import { ServiceError } from '../errors.ts';
import { decimal } from '../http/decimal.ts';
import { animationFormats, type ResultFormat, resultFormats } from '../imaging/formats.ts';
import { nearest } from '../nearest.ts';
import { printable } from '../printable.ts';
import { styleIdOf } from '../stylization/catalog.ts';
import { frameChoices } from '../stylization/choices.ts';
import { type Field, fields, stylizeForm } from './stylize-fields.ts';

export function invalid(field: string, complaint: string): ServiceError {
  return new ServiceError('invalid_value', `The field ${field} ${complaint}.`, { field });
}

/** What other services call these fields. */
const otherNames = new Map<string, Field>([
  ...(['image', 'file', 'photo', 'picture', 'input', 'source'] as const).map(
    (name) => [name, 'content'] as const,
  ),
  ...(['preset', 'styles'] as const).map((name) => [name, 'styleId'] as const),
  ...(['strength', 'intensity'] as const).map((name) => [name, 'alpha'] as const),
  ...(['width', 'height', 'maxsize', 'resolution'] as const).map((name) => [name, 'size'] as const),
  ...(['brush', 'brushsize', 'strokesize'] as const).map((name) => [name, 'strokes'] as const),
  ...(['colour', 'colors', 'keepcolor'] as const).map((name) => [name, 'color'] as const),
  ...(['animation', 'animated', 'pages'] as const).map((name) => [name, 'frames'] as const),
  ...(['region', 'regions', 'matte', 'area'] as const).map((name) => [name, 'mask'] as const),
]);

export function unknown(name: string): ServiceError {
  const plain = name.replaceAll(/[^a-z]/gi, '').toLowerCase();
  const meant = otherNames.get(plain) ?? fields.find((field) => field.toLowerCase() === plain);
  const known = meant ?? nearest(plain, fields);
  const remedy = known ? `did you mean ${known}?` : `the fields are ${fields.join(', ')}`;
  const text = `The field ${printable(name)} is unknown; ${remedy}${known ? '' : '.'}`;
  return new ServiceError('invalid_value', text, { field: name });
}

/**
 * Quotes the value as it was sent, and says what was probably meant.
 * @param sent all values of the field
 * @param index of the wrong one; undefined if there are too many
 */
export function wrong(
  name: Field,
  sent: readonly string[],
  index: PropertyKey | undefined,
  takes: string,
): ServiceError {
  const value = sent[typeof index === 'number' ? index : 0] ?? '';
  const meant = sent.length > 1 && index === undefined ? undefined : suggestion(name, value);
  const is =
    sent.length > 1 && index === undefined ? `has ${sent.length} values` : `is ${printable(value)}`;
  const text = `The field ${name} ${is}; it takes ${takes}.${meant ? ` Did you mean ${meant}?` : ''}`;
  return new ServiceError('invalid_value', text, { field: name });
}

/** Throws `invalid_value` for a format that cannot be made: of an animation, or of a still picture. */
export function assertMakes(formats: readonly ResultFormat[], format: ResultFormat): void {
  if (formats.includes(format)) return;
  const [why, other] =
    formats === animationFormats
      ? ['holds no animation', 'frames=first']
      : [
          'is made of animations alone, and this is a still picture',
          'frames=all with an animation',
        ];
  const text = `The format ${format} ${why}. Choose ${formats.join(', ')}, or send ${other}.`;
  throw new ServiceError('invalid_value', text, { field: 'format' });
}

/** A number as many languages write it, 0,5, with a point in it; else undefined. */
export const pointed = (text: string): string | undefined =>
  /^\d*,\d+$/.test(text) ? `0${text}`.replace(/^0+(?=\d)/, '').replace(',', '.') : undefined;

function suggestion(name: Field, value: string): string | undefined {
  const plain = pointed(value) ?? value;
  switch (name) {
    case 'alpha': {
      const percent = decimal(plain.replace(/%$/, ''));
      if (plain !== value && percent <= 1) return plain;
      return percent > 1 && percent <= 100 ? String(percent / 100) : undefined;
    }
    case 'strokes': {
      const { strokes } = stylizeForm.shape;
      if (plain !== value && strokes.safeParse(decimal(plain)).success) return plain;
      const percent = decimal(plain.replace(/%$/, ''));
      const { success } = strokes.safeParse(percent / 100);
      return success ? String(percent / 100) : nearest(value, ['auto']);
    }
    case 'size':
    case 'quality': {
      const number = Math.round(decimal(plain.replace(/(px|%)$/i, '').trim()));
      const { success } = stylizeForm.shape[name].safeParse(number);
      return success && Number.isFinite(number) ? String(number) : undefined;
    }
    case 'styleId':
      return styleIdOf(value);
    case 'color':
      return nearest(value, colorModes);
    case 'format':
      return nearest(value, resultFormats);
    case 'frames':
      return nearest(value, frameChoices);
    default:
      return undefined;
  }
}
