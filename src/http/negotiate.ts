import type { FastifyRequest } from 'fastify';

import { ServiceError } from '../errors.ts';
import { mediaTypes, type PictureFormat } from '../imaging/formats.ts';

const formats = Object.keys(mediaTypes) as PictureFormat[];

/**
 * The format that the Accept header likes best (RFC 9110, section 12.5.1), the content's own where
 * it likes several alike.
 * @throws ServiceError `not_acceptable`.
 */
export function negotiateFormat(request: FastifyRequest, own: PictureFormat): PictureFormat {
  const offered = [own, ...formats.filter((format) => format !== own)];
  const best = request.accepts().type(offered.map((format) => mediaTypes[format]));
  const format = offered.find((candidate) => mediaTypes[candidate] === best);
  if (format) return format;
  const text = `We make ${Object.values(mediaTypes).join(', ')}. Accept one of them, or choose one with the field format.`;
  throw new ServiceError('not_acceptable', text, { field: 'Accept' });
}
