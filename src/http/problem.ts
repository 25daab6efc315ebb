import type { FastifyReply, FastifyRequest } from 'fastify';
import { maxHeaderSize } from 'node:http';
import { z } from 'zod';

import { type ErrorCode, errorCodes, ServiceError } from '../errors.ts';

export const problemMediaType = 'application/problem+json';

/** RFC 9457. `code` is what programs match on, `detail` what people read. */
export const problemSchema = z
  .object({
    type: z.string().describe('a URN that names the kind of problem'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('what is wrong with this request, and the remedy'),
    instance: z.string().describe('a URN that ends with the id of the request in the log'),
    code: z.enum(errorCodes),
    field: z.string().optional().describe('the form field or header at fault'),
  })
  .meta({ id: 'Problem' });

const sendForm =
  'Send the form as multipart/form-data, for example with curl -F content=@photo.jpg.';

/** What fastify, its plugins and Node's HTTP parser complain of, by the code of their errors. */
const complaints: Readonly<Record<string, readonly [ErrorCode, detail: string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'unsupported_media_type',
    'This path takes no body of this Content-Type; GET /docs shows the one that it takes. A form is multipart/form-data, as curl -F content=@photo.jpg sends it.',
  ],
  FST_ERR_CTP_BODY_TOO_LARGE: [
    'too_many_bytes',
    'The body has more bytes than this path takes; GET /docs shows what it takes.',
  ],
  FST_INVALID_MULTIPART_CONTENT_TYPE: ['unsupported_media_type', sendForm],
  FST_ERR_BAD_URL: [
    'malformed_request',
    'The path has a % that begins no encoded character. Write a % itself as %25.',
  ],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', 'There is nothing at a path that long; see GET /docs.'],
  HPE_INVALID_METHOD: [
    'malformed_request',
    'No HTTP method has this name. See GET /docs for the methods that each path takes.',
  ],
  HPE_INVALID_EOF_STATE: ['malformed_request', 'The request breaks off. Send it again, whole.'],
  HPE_HEADER_OVERFLOW: [
    'headers_too_large',
    `The headers have more than ${maxHeaderSize} bytes. Send fewer, or shorter ones.`,
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    'request_timeout',
    'The request was not there whole in the time allowed. Send a smaller picture, or faster.',
  ],
};

/** What they complain of without a code, by status: files are served with conditions and ranges. */
const complaintsByStatus: Readonly<Record<number, readonly [ErrorCode, detail: string]>> = {
  412: [
    'precondition_failed',
    'The file is not as If-Match or If-Unmodified-Since says. Ask without them.',
  ],
  416: ['range_not_satisfiable', 'The file has no such bytes; Content-Range has its length.'],
};

/** Any error as one that may be shown; what a library threw is translated here and nowhere else. */
export function toServiceError(
  error: ServiceError | (Error & { code?: string; statusCode?: number | undefined }),
): ServiceError {
  if (error instanceof ServiceError) return error;
  const { statusCode = 500, code = '', message } = error;
  const cause = error;
  const known = complaints[code] ?? complaintsByStatus[statusCode];
  if (known) return new ServiceError(...known, { cause });
  if (code.startsWith('HPE_') || (statusCode >= 400 && statusCode < 500)) {
    const text = `${message}. See GET /docs for the requests that are answered.`;
    return new ServiceError('malformed_request', text, { cause });
  }
  const text =
    'Something went wrong on our side; the log has the cause. Report it with this instance.';
  return new ServiceError('internal', text, { cause });
}

/** The document, of the request that the log knows by this id. */
export function problemDocument(error: ServiceError, requestId: string): string {
  const { code, status, title, message: detail, field } = error;
  return JSON.stringify({
    type: `urn:adain-server:problem:${code}`,
    title,
    status,
    detail,
    instance: `urn:adain-server:request:${requestId}`,
    code,
    field,
  });
}

export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: ServiceError,
): FastifyReply {
  const { status, retryAfterSeconds = 1 } = error;
  // What closes or is not ready cannot know when; another instance may take the next try.
  if (status === 503) reply.header('retry-after', Math.max(1, Math.ceil(retryAfterSeconds)));
  // What is left of an upload is thrown away as it comes, for as long as requestTimeout allows: a
  // client that still sends into a closed connection sees a broken pipe, not our answer.
  request.raw.unpipe();
  request.raw.resume();
  return reply
    .code(status)
    .type(problemMediaType)
    .header('cache-control', 'no-store') // it is of this request alone
    .send(problemDocument(error, request.id));
}
