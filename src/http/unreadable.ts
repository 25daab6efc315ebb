import type { ConnectionError, FastifyInstance } from 'fastify';
import plugin from 'fastify-plugin';
import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import type { Metrics } from '../observability/metrics.ts';
import { problemDocument, problemMediaType, toServiceError } from './problem.ts';

/**
 * What Node's HTTP parser refuses, so that there is no request to answer: a problem document on the
 * bare connection, a log line and a count, as other errors have.
 */
export function unreadable(metrics: Metrics) {
  /** The request that is coming in on a connection: should it break off, its own log line tells. */
  const reading = new WeakMap<Socket, { readonly id: string; readonly answer: ServerResponse }>();

  const watchReading = plugin((app, _options, done) => {
    app.addHook('onRequest', ({ raw, id }, reply, next) => {
      const { socket } = raw;
      const request = { id, answer: reply.raw };
      reading.set(socket, request);
      raw.once('close', () => {
        if (reading.get(socket) === request) reading.delete(socket);
      });
      next();
    });
    done();
  });

  function refuseUnreadable(this: FastifyInstance, thrown: ConnectionError, socket: Socket): void {
    const known = reading.get(socket);
    if (!socket.writable || known?.answer.headersSent) {
      socket.destroy();
      return;
    }
    const error = toServiceError(thrown);
    const { code, status, message: detail } = error;
    const reqId = known?.id ?? randomUUID();
    if (known === undefined) {
      const route = 'unmatched';
      metrics.rejections.inc({ reason: code });
      metrics.requests.inc({ route, status });
      this.log.info({ reqId, route, status, code, detail }, 'request');
    }
    const body = problemDocument(error, reqId);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      `Content-Type: ${problemMediaType}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    socket.destroySoon();
  }

  return { watchReading, refuseUnreadable };
}
