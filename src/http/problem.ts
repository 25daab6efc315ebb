import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { errorCodes, ServiceError } from '../errors.ts';

export const problemMediaType = 'application/problem+json';

/** RFC 9457. `code` is what programs match on, `detail` what people read. */
export const problemSchema = z
  .object({
    type: z.string().describe('a URN that names the kind of problem'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('what is wrong with this request, and the remedy'),
    code: z.enum(errorCodes),
    field: z.string().optional().describe('the form field or header at fault'),
  })
  .meta({ id: 'Problem' });

/** Any error as one that may be shown; what a library threw is translated here and nowhere else. */
export function toServiceError(error: FastifyError | ServiceError): ServiceError {
  if (error instanceof ServiceError) return error;
  const { statusCode = 500, code, message } = error;
  const cause = error;
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' || code === 'FST_INVALID_MULTIPART_CONTENT_TYPE') {
    const text =
      'Send the form as multipart/form-data, for example with curl -F content=@photo.jpg.';
    return new ServiceError('unsupported_media_type', text, { cause });
  }
  if (statusCode === 413) return new ServiceError('too_many_bytes', `${message}.`, { cause });
  if (statusCode >= 400 && statusCode < 500) {
    return new ServiceError('malformed_form', `${message}.`, { cause });
  }
  return new ServiceError('internal', 'Something went wrong on our side; the log has the cause.', {
    cause,
  });
}

export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: ServiceError,
): FastifyReply {
  const { code, status, title, message: detail, field, retryAfterSeconds } = error;
  if (retryAfterSeconds !== undefined) {
    reply.header('retry-after', Math.max(1, Math.ceil(retryAfterSeconds)));
  }
  // What is left of an upload is thrown away as it comes, for as long as requestTimeout allows: a
  // client that still sends into a closed connection sees a broken pipe, not our answer.
  request.raw.unpipe();
  request.raw.resume();
  return reply
    .code(status)
    .type(problemMediaType)
    .send(
      JSON.stringify({
        type: `urn:adain-server:problem:${code}`,
        title,
        status,
        detail,
        code,
        field,
      }),
    );
}
