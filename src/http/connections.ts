import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import plugin from 'fastify-plugin';
import cluster from 'node:cluster';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';

import type { Metrics } from '../observability/metrics.ts';
import { onEnd } from './on-end.ts';

/** Dropped connections make one line of the log in so many milliseconds, however many they are. */
const linesEveryMs = 1000;

/** Lets so many connections be open at once; those beyond are closed unheard, counted and logged. */
export function limitConnections(app: FastifyInstance, most: number, metrics: Metrics): void {
  let dropped = 0;
  const drop = () => {
    metrics.droppedConnections.inc();
    dropped++;
    if (dropped > 1) return;
    setTimeout(() => {
      app.log.warn({ dropped, maxConnections: most }, 'connections dropped: too many are open');
      dropped = 0;
    }, linesEveryMs).unref();
  };
  if (cluster.isPrimary) {
    app.server.maxConnections = most;
    app.server.on('drop', drop);
    return;
  }
  // Node would pass a connection from one full process to the next until one of them has room.
  let open = 0;
  app.server.on('connection', (socket) => {
    if (open < most) {
      open++;
      socket.once('close', () => open--);
    } else {
      socket.destroy();
      drop();
    }
  });
}

/** Node's own: so many connections wait in the system's queue. */
const longestQueue = 511;

/**
 * Accepts the connections that wait in the system's queue, and reads what has come on all that are open:
 * closed at once, they would be reset, with whole requests in them.
 */
export async function acceptArrived(server: Server): Promise<void> {
  let hasCome = true;
  const onConnection = () => {
    hasCome = true;
  };
  server.on('connection', onConnection);
  await setImmediate(); // from here on a turn of the event loop is a whole one
  // A turn accepts one connection and reads what came on those of the turns before (libuv 1.46 and later).
  for (let turns = 0; hasCome && turns < longestQueue; turns++) {
    hasCome = false;
    await setImmediate();
  }
  server.off('connection', onConnection);
}

/** A request, by the id that the log knows it by, and its answer. */
export interface Exchange {
  readonly id: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The answer is over, and the rest of a request that was refused is still coming. */
  isAnswered: boolean;
}

/** Of each connection the exchanges that are not over, in the order in which they came. */
export type Connections = ReadonlyMap<Socket, ReadonlySet<Exchange>>;

/**
 * Knows what is under way on which connection, and closes a server by that: answers are awaited to
 * their last byte, all other connections end at once. Node would cut off answers that are being read,
 * and wait for connections that never sent a whole head.
 */
export function trackConnections() {
  const connections = new Map<Socket, Set<Exchange>>();
  let closing = false;

  function track({ id, raw: request }: FastifyRequest, { raw: response }: FastifyReply): void {
    const { socket } = request;
    const open = connections.get(socket);
    if (!open) return; // injected: there is no connection
    const exchange = { id, request, response, isAnswered: false };
    open.add(exchange);
    const end = () => {
      open.delete(exchange);
      if (closing && open.size === 0) socket.destroySoon();
    };
    onEnd(response, () => {
      exchange.isAnswered = true;
      if (request.complete) end();
      else request.once('close', end); // the rest of an upload that was refused
    });
  }

  const tracking = plugin((app, _options, done) => {
    app.server.on('connection', (socket) => {
      connections.set(socket, new Set());
      socket.once('close', () => connections.delete(socket));
    });
    app.addHook('onRequest', (request, reply, next) => {
      track(request, reply);
      next();
    });
    app.addHook('preClose', (begun) => {
      closing = true;
      begun();
    });
    // What the server's close() begins with.
    app.server.closeIdleConnections = () => {
      for (const [socket, open] of connections) if (open.size === 0) socket.destroy();
    };
    done();
  });

  return { connections: connections as Connections, track, tracking };
}
