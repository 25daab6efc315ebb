import plugin from 'fastify-plugin';
import type { Socket } from 'node:net';

import type { Connections } from './connections.ts';

/** A client of HTTP/1.0 that waits for longer behind its end is taken for gone. */
const patienceMs = 1000;

/**
 * A client may end its side of a connection behind a whole request and wait for the answer; one that
 * has gone looks the same. They are told apart by writing to them: 100 Continue, which a client of
 * HTTP/1.1 passes over whenever it comes (RFC 9110, section 15.2), breaks the connection of one that
 * is gone. Proxies speak HTTP/1.0, in which there is no such answer, and end for clients that left.
 */
export const halfClosed = plugin<{ connections: Connections }>((app, { connections }, done) => {
  // Else Node ends the other side too. It has no option and no type, and is the same in Node 20 to 24.
  Object.assign(app.server, { httpAllowHalfOpen: true });
  app.server.on('connection', (socket) => {
    socket.once('end', () => {
      probe(socket, connections, 10);
    });
  });
  done();
});

/** Once at once, and then after longer and longer whiles: it is the second write that tells. */
function probe(socket: Socket, connections: Connections, waitMs: number): void {
  const [first] = connections.get(socket) ?? [];
  if (!first || first.response.headersSent) return; // writing the answer will tell
  if (first.request.httpVersionMinor > 0) first.response.writeContinue();
  else if (waitMs > patienceMs) socket.destroy();
  setTimeout(() => {
    probe(socket, connections, 2 * waitMs);
  }, waitMs).unref();
}
