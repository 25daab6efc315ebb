import type { FastifyReply, FastifyRequest } from 'fastify';
import plugin from 'fastify-plugin';

import type { Metrics } from '../observability/metrics.ts';
import { onEnd } from './on-end.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request's one log line tells besides route, status and time. */
    logFields: Record<string, unknown>;
  }
}

/** Routes that are asked every few seconds by machines, too dull for the log when they go well. */
const quiet = new Set(['/livez', '/readyz', '/metrics']);

/** One log line and one count a request, when its answer is out or its client is gone. */
export const requestLog = plugin<{ metrics: Metrics }>((app, { metrics }, done) => {
  app.decorateRequest('logFields');
  // `rate()` sees the first answer of a kind only if there was a 0 before it.
  app.addHook('onRoute', ({ url: route, schema }) => {
    const documented = Object.keys((schema?.response as object | undefined) ?? {});
    if (documented.length === 0) return;
    for (const status of [...documented, 499, 500]) metrics.requests.inc({ route, status }, 0);
    metrics.requestDuration.zero({ route });
  });
  app.addHook('onRequest', (request, reply, next) => {
    followRequest(request, reply, metrics);
    next();
  });
  done();
});

export function followRequest(request: FastifyRequest, reply: FastifyReply, metrics: Metrics) {
  request.logFields = {};
  // On every answer: how the log knows it, and that it is nothing but what it says it is.
  reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff' });
  onEnd(reply.raw, (answered) => {
    const route = request.routeOptions.url ?? 'unmatched';
    const status = answered ? reply.statusCode : 499;
    metrics.requests.inc({ route, status });
    metrics.requestDuration.observe({ route }, reply.elapsedTime / 1000);
    const level = levelOf(status, route);
    const ms = Math.round(reply.elapsedTime);
    request.log[level](
      { method: request.method, route, status, ms, ...request.logFields },
      'request',
    );
  });
}

function levelOf(status: number, route: string) {
  if (status === 500) return 'error';
  if (status > 500) return 'warn'; // turned away or too late: under load that is as it should be
  return quiet.has(route) ? 'debug' : 'info';
}
