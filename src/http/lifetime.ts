import plugin from 'fastify-plugin';
import type { FastifyRequest } from 'fastify';

import { ServiceError } from '../errors.ts';
import { printable } from '../printable.ts';
import { decimal } from './decimal.ts';
import { onEnd } from './on-end.ts';

/** How long an answer is of use to the client. */
export interface Lifetime {
  /**
   * Fires with a ServiceError: `client_closed`, `request_timeout` or `deadline_exceeded`. And once the answer
   * is out, for what goes on while any request may wait for it.
   */
  readonly signal: AbortSignal;
  /** `performance.now()` milliseconds. */
  readonly deadline: number;
  readonly limit: Limit;
}

export interface Limit {
  readonly ms: number;
  /** The Request-Timeout header is stricter than the service. */
  readonly isClients: boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    lifetime: Lifetime;
  }
}

/** Gives every request the time that the configuration and its Request-Timeout header allow. */
export const lifetimes = plugin<{ timeoutMs: number }>((app, { timeoutMs }, done) => {
  app.decorateRequest('lifetime');
  app.addHook('onRequest', (request, reply, next) => {
    const asked = requestTimeoutMs(request);
    const allowed = Math.min(timeoutMs, asked ?? timeoutMs);
    const limit = { ms: Math.round(allowed), isClients: asked !== undefined && asked < timeoutMs };
    const ending = new AbortController();
    const timer = setTimeout(() => {
      // Of a request that is injected there is only an end.
      const isWhole = request.raw.complete || request.raw.readableEnded;
      ending.abort(isWhole ? tooLate(limit) : tooSlow(limit));
    }, allowed);
    onEnd(reply.raw, (answered) => {
      clearTimeout(timer);
      ending.abort(
        answered ? undefined : new ServiceError('client_closed', 'The client went away.'),
      );
    });
    const deadline = performance.now() + allowed;
    request.lifetime = { signal: ending.signal, deadline, limit };
    next();
  });
  done();
});

const inWords = ({ ms, isClients }: Limit): string =>
  `the ${ms} ms that ${isClients ? 'the Request-Timeout header' : 'this service'} allows`;

/**
 * @param fittingSide longest side of a picture that would be done in time, where one is known
 * @param instead what else would be done sooner
 */
export function tooLate(limit: Limit, fittingSide?: number, instead = ''): ServiceError {
  const fitting = fittingSide === undefined ? 'a smaller size' : `size=${fittingSide}, which fits`;
  const size = `${fitting}${instead}`;
  const orTime = limit.isClients ? ', or allow more time' : '';
  const text = `The picture takes longer than ${inWords(limit)}. Ask for ${size}${orTime}.`;
  return new ServiceError('deadline_exceeded', text);
}

function tooSlow(limit: Limit): ServiceError {
  const text = `The request was not there whole within ${inWords(limit)}. Send a smaller picture, or faster.`;
  return new ServiceError('request_timeout', text);
}

/** The Request-Timeout header: seconds, fractions allowed. */
function requestTimeoutMs(request: FastifyRequest): number | undefined {
  const header = request.headers['request-timeout'];
  if (header === undefined) return undefined;
  const seconds = decimal(String(header));
  if (Number.isFinite(seconds) && seconds > 0) return seconds * 1000;
  throw new ServiceError(
    'invalid_value',
    `The Request-Timeout header is ${printable(String(header))}; give a positive number of seconds.`,
    { field: 'Request-Timeout' },
  );
}
