import { pino } from 'pino';

import { buildApp } from '../app.ts';
import { createClient } from '../client/index.ts';
import { readConfig } from '../config.ts';
import type { Service } from './service.ts';

/**
 * The whole service on a port of this machine alone, so that with a server and without one pictures
 * take the same way, with the same limits and errors.
 */
export async function startOwn(deadlineMs: number): Promise<Service> {
  const config = readConfig({
    ADAIN_PAGE: 'off',
    ADAIN_STYLES_WRITABLE: 'off',
    ADAIN_REQUEST_TIMEOUT_MS: String(deadlineMs),
    LOG_LEVEL: 'error',
    ...process.env,
  });
  const logger = pino({ level: config.LOG_LEVEL }, pino.destination(2));
  const app = await buildApp(config, { logger });
  try {
    const address = await app.listen({ host: '127.0.0.1', port: 0 });
    await app.warmUp();
    const close = async () => {
      app.announceClosing();
      app.server.closeAllConnections();
      await app.close();
    };
    return { client: createClient(address), close };
  } catch (error) {
    app.server.closeAllConnections();
    await app.close();
    throw error;
  }
}
