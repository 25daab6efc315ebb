import type { FastifyRequest } from 'fastify';

import { ServiceError } from '../errors.ts';
import { mediaTypes, type ResultFormat } from '../imaging/formats.ts';

/**
 * The format that the Accept header likes best (RFC 9110, section 12.5.1); of several alike the one
 * that it names first, the content's own where it names none of them. Those that cannot hold the
 * picture are offered only where it takes no other.
 * @param formats that can be made of it
 * @throws ServiceError `not_acceptable`.
 */
export function negotiateFormat(
  request: FastifyRequest,
  formats: readonly ResultFormat[],
  own: ResultFormat,
  canHold: (format: ResultFormat) => boolean,
): ResultFormat {
  const all = [own, ...formats.filter((format) => format !== own)];
  const bestOf = (offered: readonly ResultFormat[]) => {
    const best = request.accepts().type(offered.map((format) => mediaTypes[format]));
    return offered.find((candidate) => mediaTypes[candidate] === best);
  };
  const format = bestOf(all.filter(canHold)) ?? bestOf(all);
  if (format) return format;
  const made = formats.map((format) => mediaTypes[format]).join(', ');
  const text = `We make ${made} of it. Accept one of them, or choose one with the field format.`;
  throw new ServiceError('not_acceptable', text, { field: 'Accept' });
}
