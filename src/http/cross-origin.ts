import cors from '@fastify/cors';
import type { FastifyRequest } from 'fastify';
import plugin from 'fastify-plugin';

/** Of what our answers tell in headers, browsers show a page of another origin nothing unasked. */
const exposedHeaders = [
  ...['Style-Id', 'Server-Timing', 'Retry-After', 'X-Request-Id'],
  ...['Location', 'ETag', 'Model-Digest'],
];
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** Lets pages of these origins, or of any (`*`), call the service from a browser. */
export const crossOrigin = plugin<{ origins: readonly string[] }>(async (app, { origins }) => {
  const origin = origins.includes('*') ? '*' : [...origins];
  await app.register(cors, {
    // OPTIONS that is no preflight is answered as it is without origins.
    delegator: ({ method, headers }, callback) => {
      const preflight =
        method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
      callback(null, { origin, methods, exposedHeaders, preflight, strictPreflight: false });
    },
  });
});

/** A page of another origin sends this, and it is none of those that may call the service. */
export function isForeign({ headers }: FastifyRequest, origins: readonly string[]): boolean {
  const { origin, host } = headers;
  if (origin === undefined || headers['sec-fetch-site'] === 'same-origin') return false;
  if (origins.includes('*') || origins.includes(origin)) return false;
  return origin.replace(/^[a-z]+:\/\//, '') !== host;
}
