import type { ConnectionError, FastifyInstance } from 'fastify';
import plugin from 'fastify-plugin';
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

import type { Metrics } from '../observability/metrics.ts';
import { problemDocument, problemMediaType, toServiceError } from './problem.ts';

/**
 * What Node's HTTP parser refuses, so that there is no request to answer: a problem document on the
 * bare connection, a log line and a count, as other errors have.
 */
export function unreadable(metrics: Metrics) {
  /** The request that is coming in on a connection: should it break off, its own log line tells. */
  const reading = new WeakMap<Socket, string>();

  const watchReading = plugin((app, _options, done) => {
    app.addHook('onRequest', ({ raw, id }, _reply, next) => {
      const { socket } = raw;
      reading.set(socket, id);
      raw.once('close', () => reading.delete(socket));
      next();
    });
    done();
  });

  function refuseUnreadable(this: FastifyInstance, thrown: ConnectionError, socket: Socket): void {
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const error = toServiceError(thrown);
    const { code, status, message: detail } = error;
    const known = reading.get(socket);
    const reqId = known ?? randomUUID();
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
