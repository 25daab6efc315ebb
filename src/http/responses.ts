import { z } from 'zod';

import { problemMediaType, problemSchema } from './problem.ts';

/** How the OpenAPI document tells of an answer that is an error. */
export const problem = (description: string) => ({
  description,
  content: { [problemMediaType]: { schema: problemSchema } },
});

/** Of an error that passes. */
export const unavailable = (description: string) => ({
  ...problem(description),
  headers: { 'Retry-After': { type: 'integer', description: 'seconds until it is worth a try' } },
});

/** How the OpenAPI document tells of an answer that is a picture of one of these media types. */
export const picture = (description: string, mediaTypes: readonly string[]) => ({
  description,
  content: Object.fromEntries(mediaTypes.map((type) => [type, { schema: binary }])),
});

const binary = z.custom<Buffer>().meta({ type: 'string', format: 'binary' });
