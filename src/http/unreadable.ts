import type { ConnectionError, FastifyInstance } from 'fastify';
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

import type { Metrics } from '../observability/metrics.ts';
import type { Connections, Exchange } from './connections.ts';
import { onEnd } from './on-end.ts';
import { problemDocument, problemMediaType, toServiceError } from './problem.ts';

/**
 * What Node's HTTP parser refuses, so that there is no request to answer: a problem document on the
 * bare connection, behind the answers to the requests before it, a log line and a count, as other
 * errors have.
 */
export function unreadable(connections: Connections, metrics: Metrics) {
  /** Whatever more comes on them is refused by the parser again. */
  const refused = new WeakSet<Socket>();

  return function refuseUnreadable(
    this: FastifyInstance,
    thrown: ConnectionError,
    socket: Socket,
  ): void {
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    if (refused.has(socket)) return;
    refused.add(socket);
    const open = [...(connections.get(socket) ?? [])];
    // The request that broke off on its way; its own log line tells of it.
    const broken = open.find(({ request }) => !request.complete);
    if (broken?.response.headersSent) {
      afterAnswers(open, () => {
        socket.destroySoon();
      });
      return;
    }
    const before = open.filter((exchange) => exchange !== broken);
    afterAnswers(before, () => {
      if (socket.writable) refuse(this, thrown, socket, broken?.id);
    });
  };

  function refuse(
    { log }: FastifyInstance,
    thrown: ConnectionError,
    socket: Socket,
    brokenId: string | undefined,
  ): void {
    const error = toServiceError(thrown);
    const { code, status, message: detail } = error;
    const reqId = brokenId ?? randomUUID();
    if (brokenId === undefined) {
      const route = 'unmatched';
      metrics.rejections.inc({ reason: code });
      metrics.requests.inc({ route, status });
      log.info({ reqId, route, status, code, detail }, 'request');
    }
    const body = problemDocument(error, reqId);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      `Content-Type: ${problemMediaType}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
      `X-Request-Id: ${reqId}`,
      'X-Content-Type-Options: nosniff',
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    socket.destroySoon();
  }
}

function afterAnswers(exchanges: readonly Exchange[], then: () => void): void {
  const due = exchanges.filter(({ isAnswered }) => !isAnswered);
  let left = due.length;
  if (left === 0) then();
  for (const { response } of due) {
    onEnd(response, () => {
      left--;
      if (left === 0) then();
    });
  }
}
