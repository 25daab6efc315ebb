import type { FastifyReply, FastifyRequest } from 'fastify';
import plugin from 'fastify-plugin';
import { Socket } from 'node:net';

import { ServiceError } from '../errors.ts';
import type { Metrics } from '../observability/metrics.ts';
import { onEnd } from './on-end.ts';

interface Options {
  readonly metrics: Metrics;
  /** Milliseconds within which something of an answer must be read. */
  readonly stallMs?: number;
  /** Bytes that must be read in a millisecond, on average; the first `stallMs` are free. */
  readonly slowest?: number;
}

/**
 * Cuts off clients that do not read their answers, which would be held for them for ever: who reads
 * nothing for half a minute, or less than 32 KiB a second in all. A phone on an old network is faster.
 */
export const slowReaders = plugin<Options>(
  (app, { metrics, stallMs = 30_000, slowest = 32.768 }, done) => {
    /** On each connection, requests that are not over, and those of them that are being answered. */
    const connections = new WeakMap<Socket, { open: number; answering: Set<FastifyReply> }>();

    app.addHook('onRequest', (request, reply, next) => {
      const { socket } = request.raw;
      if (!(socket instanceof Socket)) {
        next(); // injected: nobody reads
        return;
      }
      const connection = connections.get(socket) ?? { open: 0, answering: new Set() };
      connections.set(socket, connection);
      connection.open++;
      onEnd(reply.raw, () => {
        connection.open--;
        connection.answering.delete(reply);
        // The time to read one answer is not the time to make the next.
        if (connection.open > 0 && connection.answering.size === 0) socket.setTimeout(0);
      });
      next();
    });

    app.addHook('onSend', async (request, reply, payload) => {
      const { raw } = reply;
      const connection = connections.get(request.raw.socket);
      if (!connection) return; // refused before any hook, or injected
      connection.answering.add(reply);
      const cutAfter = (ms: number) => () => {
        cut(request, reply, metrics, ms);
      };
      // Node's timer of a socket starts anew whenever some of a write has left.
      raw.setTimeout(stallMs, cutAfter(stallMs));
      if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return;
      const allowed = stallMs + Buffer.byteLength(payload) / slowest;
      const begin = () => {
        const timer = setTimeout(cutAfter(allowed), allowed);
        onEnd(raw, () => {
          clearTimeout(timer);
        });
      };
      // Until then it waits behind another answer.
      if (raw.socket) begin();
      else raw.once('socket', begin);
    });
    done();
  },
);

/** The line of the request, with status 499, says why. */
function cut(request: FastifyRequest, reply: FastifyReply, metrics: Metrics, ms: number): void {
  const text = `The client has not read its answer within ${Math.round(ms)} ms.`;
  const { code, message: detail } = new ServiceError('client_stalled', text);
  metrics.rejections.inc({ reason: code });
  request.logFields = { ...request.logFields, code, detail };
  reply.raw.destroy();
}
