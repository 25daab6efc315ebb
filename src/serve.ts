import closeWithGrace from 'close-with-grace';
import { setTimeout } from 'node:timers/promises';

import { buildApp } from './app.ts';
import { strayVariables, type Config } from './config.ts';
import { acceptArrived } from './http/connections.ts';
import { pool } from './imaging/pool.ts';
import { listen } from './listen.ts';

type App = Awaited<ReturnType<typeof buildApp>>;

/** The service in this process, from its start to a signal. */
export async function serve(config: Config): Promise<void> {
  const app = await buildApp(config);
  for (const warning of strayVariables(process.env)) app.log.warn(warning);
  await listen(config, (address) => app.listen(address));
  await app.warmUp().catch(async (error: unknown) => {
    app.server.closeAllConnections(); // none has work under way, and all would keep the process
    await app.close();
    throw error;
  });
  // Until here a signal ends the process at once: nothing has been accepted.
  closeAtTheEnd(app, config);
}

/** Ready says no first, so that load balancers look elsewhere; then accepted requests finish. */
export function closeAtTheEnd(app: App, config: Config): void {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const delay = config.ADAIN_SHUTDOWN_GRACE_MS + config.ADAIN_SHUTDOWN_DELAY_MS;
  let closing = false;
  // An ordinary end waits for libuv's threads, and so for whatever picture one of them decodes.
  process.on('exit', () => {
    if (pool.inWork === 0) return;
    app.log.fatal({ pictures: pool.inWork }, 'pictures are still in work: the process is killed');
    process.kill(process.pid, 'SIGKILL');
  });
  const options = { delay, logger: app.log, skip: [...signals] };
  const { close } = closeWithGrace(options, async ({ err }) => {
    closing = true;
    if (err) app.log.fatal({ err }, 'closing after an error');
    app.announceClosing();
    if (!err) {
      await setTimeout(config.ADAIN_SHUTDOWN_DELAY_MS);
      await acceptArrived(app.server);
    }
    await app.close();
  });
  // npm passes on what a terminal has sent to all of its group already: a second signal is an echo,
  // not haste, and must find a listener.
  for (const signal of signals) {
    process.on(signal, () => {
      if (closing) return;
      app.log.info({ signal }, 'closing');
      close();
    });
  }
}
