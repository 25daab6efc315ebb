import { z } from 'zod';

import { colorModes, maxStyles } from '../engine/types.ts';
import { resultFormats } from '../imaging/formats.ts';
import { smallestSide } from '../rgb-image.ts';
import { styleIdPattern } from '../stylization/catalog.ts';
import { frameChoices, strokesLimits } from '../stylization/choices.ts';

const file = z
  .custom<Buffer>((value) => Buffer.isBuffer(value), 'a file')
  .meta({ type: 'string', format: 'binary' });

const number = (min: number, max: number, error = `a number from ${min} to ${max}`) => {
  return z.number({ error }).min(min, { error }).max(max, { error });
};
const whole = (min: number, max: number) => {
  const error = `a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};
const strokesTaken = `auto, or a number from ${strokesLimits.min} to ${strokesLimits.max}`;
const upTo8 = { error: `at most ${maxStyles} of them` };
/** Of both kinds; so many are blended, and have each an alpha. */
const mostBlended = 2 * maxStyles;

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
  alpha: z
    .array(number(0, 1))
    .max(mostBlended, { error: `at most ${mostBlended} of them` })
    .default([1])
    .describe('how much style, 0 none to 1 all: one number for all styles, or one a style')
    .meta({ orOne: true }),
  mask: z
    .array(file.meta({ examples: [''] }))
    .max(maxStyles, upTo8)
    .default([])
    .describe(
      'where to paint: a grey picture for all styles, or one a style in the order of the form, stretched over the content. White paints, black leaves the photograph, grey is between; an alpha channel that is not all opaque is the mask. Where masks of several styles overlap they share the place by grey and weight',
    ),
  strokes: z
    .union([z.literal('auto'), number(strokesLimits.min, strokesLimits.max, strokesTaken)], {
      error: strokesTaken,
    })
    .default('auto')
    .describe(
      'how wide strokes are: 1 as the networks paint them, in pixels; auto is 1 up to 1448 pixels a side, and from there as wide, in proportion, as in a picture of 1024',
    )
    .meta({ examples: ['auto'] }),
  color: z
    .enum(colorModes, { error: `one of ${colorModes.join(', ')}` })
    .optional()
    .describe(
      "whose colours: the style's, the content's (of the style only light and texture), or only the style's colours, with the content's light; style if absent",
    )
    .meta({ examples: ['style'] }),
  frames: z
    .enum(frameChoices, { error: `one of ${frameChoices.join(', ')}` })
    .default('first')
    .describe(
      'of an animation the first frame, or all: an animated WebP or GIF with the same delays and loops. What stands still in a scene is painted the same in every frame',
    )
    .meta({ examples: ['first'] }),
  preserveColor: z
    .enum(['true', 'false'], { error: 'true or false' })
    .optional()
    .describe('true is color=content; false says nothing')
    .meta({ deprecated: true, examples: ['false'] }),
  size: whole(smallestSide, 65_535)
    .optional()
    .describe("longest side of the result in pixels; the content's own if absent")
    .meta({ examples: [512] }),
  format: z
    .enum(resultFormats, { error: `one of ${resultFormats.join(', ')}` })
    .optional()
    .describe(
      "the result's format: jpeg, png, webp or avif, of an animation with frames=all webp or gif; else the Accept header's, else the content's own (of a GIF's first frame: PNG), if it can hold the picture",
    ),
  quality: whole(1, 100).default(85).describe('of a lossy format'),
});

export type Field = keyof typeof stylizeForm.shape;
export const fields = Object.keys(stylizeForm.shape) as Field[];
export const isField = (name: string): name is Field => fields.includes(name as Field);
export const lists = new Set<Field>(['style', 'styleId', 'weights', 'alpha', 'mask']);
export const files = new Set<Field>(['content', 'style', 'mask']);
export const numbers = new Set<Field>(['weights', 'alpha', 'strokes', 'size', 'quality']);
