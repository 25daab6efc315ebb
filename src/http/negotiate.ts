import type { FastifyRequest } from 'fastify';

import { ServiceError } from '../errors.ts';
import { mediaTypes, type PictureFormat } from '../imaging/formats.ts';

const formats = Object.keys(mediaTypes) as PictureFormat[];

/**
 * The format that the Accept header likes best (RFC 9110, section 12.5.1), the content's own where
 * it likes several alike. Those that cannot hold the picture are offered only where it takes no other.
 * @throws ServiceError `not_acceptable`.
 */
export function negotiateFormat(
  request: FastifyRequest,
  own: PictureFormat,
  canHold: (format: PictureFormat) => boolean,
): PictureFormat {
  const all = [own, ...formats.filter((format) => format !== own)];
  const bestOf = (offered: readonly PictureFormat[]) => {
    const best = request.accepts().type(offered.map((format) => mediaTypes[format]));
    return offered.find((candidate) => mediaTypes[candidate] === best);
  };
  const format = bestOf(all.filter(canHold)) ?? bestOf(all);
  if (format) return format;
  const text = `We make ${Object.values(mediaTypes).join(', ')}. Accept one of them, or choose one with the field format.`;
  throw new ServiceError('not_acceptable', text, { field: 'Accept' });
}
