import type { FastifyInstance } from 'fastify';

import type { Metrics } from '../observability/metrics.ts';

/** Dropped connections make one line of the log in so many milliseconds, however many they are. */
const linesEveryMs = 1000;

/** Lets so many connections be open at once; those beyond are closed unheard, counted and logged. */
export function limitConnections(app: FastifyInstance, most: number, metrics: Metrics): void {
  let dropped = 0;
  app.server.maxConnections = most;
  app.server.on('drop', () => {
    metrics.droppedConnections.inc();
    dropped++;
    if (dropped > 1) return;
    setTimeout(() => {
      app.log.warn({ dropped, maxConnections: most }, 'connections dropped: too many are open');
      dropped = 0;
    }, linesEveryMs).unref();
  });
}
