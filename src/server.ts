import closeWithGrace from 'close-with-grace';
import { setTimeout } from 'node:timers/promises';

import { buildApp } from './app.ts';
import { configHelp, readConfig } from './config.ts';
import { examine } from './doctor.ts';

if (process.argv.includes('--help')) {
  process.stdout.write(configHelp());
} else {
  const task = process.argv.includes('--doctor') ? diagnose() : serve();
  await task.catch((error: unknown) => {
    process.stderr.write(`adain-server cannot start. ${explain(error)}\n`);
    process.exitCode = 1;
  });
}

async function diagnose(): Promise<void> {
  const { report, healthy } = await examine(readConfig(process.env));
  process.stdout.write(report);
  if (!healthy) process.exitCode = 1;
}

async function serve(): Promise<void> {
  const config = readConfig(process.env);
  const app = await buildApp(config);
  // Ready says no first, so that load balancers look elsewhere; then accepted requests finish.
  const delay = config.ADAIN_SHUTDOWN_GRACE_MS + config.ADAIN_SHUTDOWN_DELAY_MS;
  closeWithGrace({ delay, logger: app.log }, async ({ signal, err }) => {
    if (err) app.log.fatal({ err }, 'closing after an error');
    else app.log.info({ signal }, 'closing');
    app.announceClosing();
    if (signal) await setTimeout(config.ADAIN_SHUTDOWN_DELAY_MS);
    await app.close();
  });
  await app.listen({ port: config.PORT, host: config.HOST });
}

function explain(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
