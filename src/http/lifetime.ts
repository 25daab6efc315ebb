import plugin from 'fastify-plugin';
import type { FastifyRequest } from 'fastify';

import { ServiceError } from '../errors.ts';
import { decimal } from './decimal.ts';
import { onEnd } from './on-end.ts';

/** How long an answer is of use to the client. */
export interface Lifetime {
  /** Fires with a ServiceError: `client_closed` or `deadline_exceeded`. */
  readonly signal: AbortSignal;
  /** `performance.now()` milliseconds. */
  readonly deadline: number;
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
    const allowed = Math.min(timeoutMs, requestTimeoutMs(request) ?? timeoutMs);
    const ending = new AbortController();
    const timer = setTimeout(() => {
      const text = `The answer was not ready within ${allowed} ms. Ask for a smaller size, or allow more time.`;
      ending.abort(new ServiceError('deadline_exceeded', text));
    }, allowed);
    onEnd(reply.raw, (answered) => {
      clearTimeout(timer);
      if (answered) return;
      ending.abort(new ServiceError('client_closed', 'The client went away.'));
    });
    request.lifetime = { signal: ending.signal, deadline: performance.now() + allowed };
    next();
  });
  done();
});

/** The Request-Timeout header: seconds, fractions allowed. */
function requestTimeoutMs(request: FastifyRequest): number | undefined {
  const header = request.headers['request-timeout'];
  if (header === undefined) return undefined;
  const seconds = decimal(String(header));
  if (Number.isFinite(seconds) && seconds > 0) return seconds * 1000;
  throw new ServiceError(
    'invalid_value',
    `The Request-Timeout header is "${String(header)}"; give a positive number of seconds.`,
    { field: 'Request-Timeout' },
  );
}
