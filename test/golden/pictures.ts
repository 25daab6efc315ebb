import { readFile } from 'node:fs/promises';
import type { LightMyRequestResponse } from 'fastify';

import { form, type Field } from '../support/app.ts';

/** What the golden pictures show: fields beside the content, by the picture's name. */
export const goldenPictures: Record<string, readonly Field[]> = {
  'swirling-night': [['styleId', 'swirling-night']],
  woodcut: [['styleId', 'woodcut']],
  'half-stained-glass': [
    ['styleId', 'stained-glass'],
    ['alpha', '0.5'],
  ],
  'mosaic-in-own-colours': [
    ['styleId', 'mosaic'],
    ['preserveColor', 'true'],
  ],
};

export const goldenFile = (name: string) => new URL(`${name}.webp`, import.meta.url);

const example = new URL('../../models/examples/lake-small.jpg', import.meta.url);

interface Injectable {
  inject(request: Awaited<ReturnType<typeof form>>): Promise<LightMyRequestResponse>;
}

export async function paint(app: Injectable, fields: readonly Field[]): Promise<Buffer> {
  const content = await readFile(example);
  const reply = await app.inject(
    await form(
      ['content', content],
      ['size', '256'],
      ['format', 'webp'],
      ['quality', '95'],
      ...fields,
    ),
  );
  if (reply.statusCode !== 200) throw new Error(reply.body);
  return reply.rawPayload;
}
