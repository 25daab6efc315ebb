import closeWithGrace from 'close-with-grace';
import { lookup } from 'node:dns/promises';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';

import { buildApp } from './app.ts';
import { configHelp, readConfig, strayVariables, type Config } from './config.ts';
import { examine } from './doctor.ts';
import { pool } from './imaging/pool.ts';
import { revision, version } from './version.ts';

type App = Awaited<ReturnType<typeof buildApp>>;

await main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});

/** What people ask on a command line is answered there, in words; the service has its log. */
async function main(): Promise<void> {
  const asked = readArguments();
  if (asked.help) process.stdout.write(configHelp());
  else if (asked.version) process.stdout.write(`adain-server ${version}, revision ${revision}\n`);
  else if (asked.doctor) await diagnose();
  else await serve().catch(cannotStart);
}

function readArguments() {
  try {
    const flag = { type: 'boolean' } as const;
    return parseArgs({ options: { help: flag, version: flag, doctor: flag } }).values;
  } catch (cause) {
    const given = process.argv.slice(2).join(' ');
    throw new Error(
      `It takes --help, --version or --doctor and nothing else, but got: ${given}. Settings are environment variables; --help lists them.`,
      { cause },
    );
  }
}

async function diagnose(): Promise<void> {
  const { report, healthy } = await examine(readConfig(process.env));
  process.stdout.write([...strayVariables(process.env), report].join('\n'));
  if (!healthy) process.exitCode = 1;
}

async function serve(): Promise<void> {
  const config = readConfig(process.env);
  const { PORT: port, HOST: host } = config;
  const app = await buildApp(config);
  for (const warning of strayVariables(process.env)) app.log.warn(warning);
  await listen(app, host, port).catch((cause: unknown) => {
    throw new Error(
      `It cannot listen with HOST=${host} PORT=${port} (${explain(cause)}). Set PORT to one that is free and allowed (0 takes any), HOST to an address of this machine (0.0.0.0 is all of them).`,
      { cause },
    );
  });
  await app.warmUp().catch(async (error: unknown) => {
    app.server.closeAllConnections(); // none has work under way, and all would keep the process
    await app.close();
    throw error;
  });
  // Until here a signal ends the process at once: nothing has been accepted.
  closeAtTheEnd(app, config);
}

/** On one address: fastify would make a second server of localhost, without the limits of the first. */
async function listen(app: App, name: string, port: number): Promise<void> {
  const { address: host } = await lookup(name);
  await app.listen({ port, host });
}

/** A line of the log, whatever LOG_LEVEL leaves out: a collector of logs reads nothing else. */
function cannotStart(error: unknown): void {
  pino({ level: 'fatal' }).fatal(`adain-server cannot start. ${explain(error)}`);
  process.exitCode = 1;
}

/** Ready says no first, so that load balancers look elsewhere; then accepted requests finish. */
function closeAtTheEnd(app: App, config: Config): void {
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
    if (!err) await setTimeout(config.ADAIN_SHUTDOWN_DELAY_MS);
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

function explain(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
