import { z } from 'zod';

import { problem, unavailable } from '../http/responses.ts';
import { styleIdPattern } from '../stylization/catalog.ts';
import { styleDocument } from './style-documents.ts';

/** How the OpenAPI document tells of what several routes of styles take and answer. */
export const tags = ['styles'];
export const params = z.object({ id: z.string() });
export const ownId = z.object({
  id: z
    .string()
    .regex(styleIdPattern)
    .describe('lower-case letters, digits and hyphens, 80 at most; no hyphen in front'),
});

export const missing = problem('No such style');
export const tooLarge = problem('Its picture takes more memory than there is for pictures');
export const away = unavailable('The service is starting, or the store of styles does not answer');
export const etag = { ETag: { type: 'string', description: 'the version, for If-None-Match' } };
export const unchanged = z
  .null()
  .meta({ description: 'The version of If-None-Match is current', headers: etag });

const location = { Location: { type: 'string', description: 'where the style is' } };
export const created = styleDocument.meta({ description: 'It is registered', headers: location });
export const known = styleDocument.meta({ description: 'It was there', headers: location });
export const refusals = {
  403: problem('Styles cannot be changed here, or not by a page of another origin'),
  503: unavailable('Overloaded, starting, closing, or the store of styles does not answer'),
};
