import type { Multipart, MultipartValue } from '@fastify/multipart';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { addAbortSignal, type Readable } from 'node:stream';

import { abortable } from '../abortable.ts';
import { ServiceError } from '../errors.ts';
import type { RequestMemory } from '../memory-budget.ts';
import { printable } from '../printable.ts';
import { countParts } from './count-parts.ts';

/** One part of a multipart form, in the order in which it came. */
export type FormPart =
  /** `isCut`: there was more than a text may have. */
  | {
      readonly kind: 'text';
      readonly name: string;
      readonly value: string;
      readonly isCut: boolean;
    }
  | { readonly kind: 'file'; readonly name: string; readonly bytes: Buffer };

/** Where the bytes go, and until when they are wanted. */
export interface Upload {
  readonly memory: RequestMemory;
  readonly signal: AbortSignal;
}

/** Far more than any honest form has; a part's headers and a text's length are bounded too. */
export const formLimits = {
  parts: 64,
  fields: 48,
  fieldSize: 4096,
};

/** Of a text or a file: far more than any of ours has. */
const longestName = 64;

/**
 * More than a socket is read at once: a part without a name that is skipped, longer than this and in one
 * piece with the form's end, would have busboy wait for ever (@fastify/busboy 3.2).
 */
const fileHwm = 2 ** 18;

/** A file's name is optional (RFC 7578, section 4.2): a type that no text has is as good. */
const isPartAFile = (_name?: string, type?: string, filename?: string) =>
  filename !== undefined || /^(image|application\/octet-stream)\b/i.test(type ?? '');

/**
 * Reads a whole multipart form into memory, at most `maxBytes` of files and texts together, which
 * it takes of the budget as they come. Parts that a browser sends for controls left empty are skipped.
 * @throws ServiceError `too_many_bytes`, `malformed_form`, `unsupported_media_type`, `overloaded`.
 */
export async function readForm(
  request: FastifyRequest,
  reply: FastifyReply,
  maxBytes: number,
  { memory, signal }: Upload,
): Promise<FormPart[]> {
  const declared = declaredSize(request);
  if (declared !== undefined && declared > maxBytes + framing) throw tooManyBytes(maxBytes);
  const boundary = checkedBoundary(request);
  refuseEncoded(request);
  memory.assertRoom(declared ?? memoryStep);
  // Who asks before sending (Expect: 100-continue) and is refused has sent nothing.
  const asks = request.headers.expect !== undefined && request.raw.httpVersionMinor > 0;
  if (asks) reply.raw.writeContinue();
  const parts: FormPart[] = [];
  let begun = 0;
  let received = 0;
  let held = 0;
  const receive = (bytes: number) => {
    received += bytes;
    if (received > maxBytes) throw tooManyBytes(maxBytes);
    if (received <= held) return;
    held = Math.min(received + memoryStep, declared ?? maxBytes);
    memory.receive(held);
  };
  const counted = countParts(request.raw, boundary);
  try {
    const options = { limits: { ...formLimits, fileSize: maxBytes }, fileHwm, isPartAFile };
    const iterator = request.parts(options);
    for (;;) {
      // A form that is given up has no end of its own: Node takes its bytes away from the parser.
      const next = await abortable(signal, iterator.next());
      if (next.done) break;
      const part = next.value;
      begun++;
      const room = Math.min(maxBytes, declared ?? maxBytes) - received;
      const read = await readPart(part, { room, receive, signal });
      const empty = read.kind === 'file' ? read.bytes.length === 0 : read.value === '';
      const unnamed = part.type === 'field' || !part.filename;
      if (!(empty && unnamed)) parts.push(read);
    }
    if (counted.begun > begun) throw nameless();
  } catch (error) {
    throw explain(error as Error & { code?: string }, maxBytes, begun);
  } finally {
    counted.end();
  }
  memory.receive(received);
  return parts;
}

/** Memory is taken as bytes come, so much in front of them: who only announces many holds none. */
const memoryStep = 2 ** 20;

/** Boundaries and part headers. */
const framing = 65_536;

/** Undefined for a form that comes in chunks. */
function declaredSize(request: FastifyRequest): number | undefined {
  const header = request.headers['content-length'];
  return header === undefined ? undefined : Number(header);
}

const setByClient =
  'Do not set this header yourself: an HTTP client that is given a form (FormData in fetch and axios, curl -F) sets it, with the boundary.';

/** Our parser takes no longer one; honest ones have 70 characters at most (RFC 2046, section 5.1.1). */
const longestBoundary = 250;

/** The commonest mistake: the header set by hand, which the HTTP client would have set well. */
function checkedBoundary(request: FastifyRequest): string {
  const type = request.headers['content-type'] ?? '';
  if (!request.isMultipart()) return '';
  const [, quoted, plain = ''] = /;\s*boundary=(?:"([^"]*)|([^\s;]*))/i.exec(type) ?? [];
  const boundary = (quoted ?? plain).trim();
  if (boundary === '') throw wrongBoundary('The Content-Type header has no boundary.');
  if (boundary.length > longestBoundary) {
    const { length } = boundary;
    throw wrongBoundary(`The boundary in the Content-Type header has ${length} characters.`);
  }
  return boundary;
}

function wrongBoundary(what: string): ServiceError {
  return new ServiceError('malformed_form', `${what} ${setByClient}`, { field: 'Content-Type' });
}

function refuseEncoded(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() === 'identity') return;
  const text = `The form is encoded as ${printable(encoding)}. Send it as it is: pictures are compressed already.`;
  throw new ServiceError('unsupported_media_type', text, { field: 'Content-Encoding' });
}

interface Reading {
  /** How many bytes can still come. */
  readonly room: number;
  /** Counts bytes that have come. Throws `too_many_bytes`, `overloaded`. */
  readonly receive: (bytes: number) => void;
  readonly signal: AbortSignal;
}

async function readPart(part: Multipart, reading: Reading): Promise<FormPart> {
  const name = part.fieldname as string | undefined; // whatever its type says
  if (!name) throw nameless();
  if (name.length > longestName) {
    const text = `A part of the form has a name of ${name.length} characters, ${printable(name)}. GET /docs shows the names that there are.`;
    throw new ServiceError('malformed_form', text);
  }
  if (part.type === 'file')
    return { kind: 'file', name, bytes: await readFile(part.file, reading) };
  const value = textOf(part).trim();
  reading.receive(value.length);
  return { kind: 'text', name, value, isCut: part.valueTruncated };
}

function nameless(): ServiceError {
  const text =
    'A part of the form has no name. Name it in its Content-Disposition header: form-data; name="content".';
  return new ServiceError('malformed_form', text);
}

/** Of a part that says it is JSON the parser has made a value. */
function textOf({ fieldname, value }: MultipartValue): string {
  const values = [value].flat();
  if (!values.some((one) => typeof one === 'object' && one !== null)) return values.join(',');
  const text = `The part ${printable(fieldname)} is JSON with objects in it. Send each field as a part of its own, with plain text in it.`;
  throw new ServiceError('malformed_form', text, { field: fieldname });
}

/** Into one piece that was there before, so that no file is in memory twice. */
async function readFile(file: Readable, { room, receive, signal }: Reading): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(room); // what is never written to takes no memory
  let length = 0;
  for await (const chunk of addAbortSignal(signal, file) as AsyncIterable<Buffer>) {
    receive(chunk.length);
    length += chunk.copy(bytes, length);
  }
  return bytes.subarray(0, length);
}

function tooManyBytes(maxBytes: number): ServiceError {
  const megabytes = (maxBytes / 2 ** 20).toFixed(1);
  return new ServiceError(
    'too_many_bytes',
    `The form may have ${maxBytes} bytes (${megabytes} MiB) in all. Send smaller or more strongly compressed pictures.`,
  );
}

/** @param begun how many parts have come before */
function explain(error: Error & { code?: string }, maxBytes: number, begun: number): Error {
  if (error instanceof ServiceError) return error;
  switch (error.code) {
    case 'FST_REQ_FILE_TOO_LARGE':
      return tooManyBytes(maxBytes);
    case 'FST_PARTS_LIMIT': {
      const text = `The form has more than ${formLimits.parts} parts. Leave some out.`;
      return new ServiceError('malformed_form', text);
    }
    case 'FST_FIELDS_LIMIT': {
      const text = `The form has more than ${formLimits.fields} parts of text. Leave some out.`;
      return new ServiceError('malformed_form', text);
    }
    case 'FST_PROTO_VIOLATION': {
      const text =
        'A field has a name that every JavaScript object has, such as constructor or __proto__. Leave it out.';
      return new ServiceError('malformed_form', text);
    }
    case 'FST_INVALID_JSON_FIELD_ERROR': {
      const text =
        'A part of the form says that it is JSON (Content-Type: application/json) and is not. Send plain text, without this header in the part.';
      return new ServiceError('malformed_form', text);
    }
    case 'FST_INVALID_MULTIPART_CONTENT_TYPE':
      return error;
    default: {
      // busboy reports a form that breaks off as a plain Error.
      if (begun === 0) {
        return wrongBoundary(
          'Nothing in the form begins with the boundary in the Content-Type header.',
        );
      }
      const text = `The multipart form is damaged: ${error.message}. Send it again, whole.`;
      return new ServiceError('malformed_form', text, { cause: error });
    }
  }
}
