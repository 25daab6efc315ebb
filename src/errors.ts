import { escaped } from './printable.ts';

/**
 * Everything that can go wrong with a request, in one place: code, HTTP status and title.
 * The code is stable: clients match on it, and it labels `adain_rejections_total`.
 */
const kinds = {
  malformed_request: [400, 'The request cannot be read'],
  malformed_form: [400, 'The form cannot be read'],
  invalid_value: [400, 'A field has a wrong value'],
  read_only: [403, 'The styles cannot be changed here'],
  unknown_style: [404, 'No such style'],
  not_found: [404, 'No such resource'],
  method_not_allowed: [405, 'Not a method of this resource'],
  not_acceptable: [406, 'No acceptable picture format'],
  request_timeout: [408, 'The request did not come in time'],
  id_taken: [409, 'The id is taken'],
  model_mismatch: [409, 'The statistics are of another model'],
  too_many_styles: [409, 'There is no room for more styles'],
  precondition_failed: [412, 'The condition does not hold'],
  too_many_bytes: [413, 'The upload is too large'],
  unsupported_media_type: [415, 'Not a media type we take'],
  range_not_satisfiable: [416, 'There is no such range'],
  expectation_failed: [417, 'The expectation cannot be met'],
  undecodable_image: [422, 'The picture cannot be decoded'],
  image_too_small: [422, 'The picture is too small'],
  too_complex_image: [422, 'The picture takes too much work'],
  too_many_pixels: [422, 'The picture has too many pixels'],
  headers_too_large: [431, 'The headers are too large'],
  overloaded: [503, 'The service is overloaded'],
  closing: [503, 'The service is shutting down'],
  not_ready: [503, 'The service is not ready'],
  store_unavailable: [503, 'The store of styles does not answer'],
  inference_failed: [500, 'The picture could not be computed'],
  deadline_exceeded: [504, 'The deadline has passed'],
  client_closed: [499, 'The client closed the connection'],
  client_stalled: [499, 'The client does not read its answer'],
  internal: [500, 'Internal error'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ErrorCode = keyof typeof kinds;
export const errorCodes = Object.keys(kinds) as ErrorCode[];

export interface ErrorDetails {
  /** The form field at fault. */
  field?: string;
  /** When to come back, in seconds, fractions allowed. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

/**
 * A failure whose message may be shown to the client: it says what is wrong and what to do. What it
 * quotes may come from anywhere, and is read in terminals.
 */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly title: string;
  readonly field: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(escaped(message), { cause: details.cause });
    this.code = code;
    [this.status, this.title] = kinds[code];
    this.field = details.field === undefined ? undefined : escaped(details.field);
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}
