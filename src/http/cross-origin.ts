import cors from '@fastify/cors';
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
