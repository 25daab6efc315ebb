import { pino } from 'pino';

import { buildApp } from '../app.ts';
import { createClient, ProblemError, type AdainClient, type CallOptions } from '../client/index.ts';
import { readConfig } from '../config.ts';
import { waitingWords } from './report.ts';
import { UsageError, type Arguments } from './usage.ts';

export interface Service {
  readonly client: AdainClient;
  readonly close: () => Promise<void>;
}

/** Its own, or `--server`'s once it answers. */
export async function openService(
  server: string | undefined,
  deadlineMs: number,
  onWait: (what: string) => void,
): Promise<Service> {
  if (server === undefined) {
    onWait('the engine starts');
    return startOwn(deadlineMs);
  }
  const client = createClient(server);
  const onProgress: CallOptions['onProgress'] = (progress) => {
    if (progress.phase === 'waiting') onWait(waitingWords(progress));
  };
  await client
    .model({ onProgress, deadlineMs: Math.min(deadlineMs, helloMs) })
    .catch((cause: unknown) => {
      throw explain(server, cause);
    });
  return { client, close: () => Promise.resolve() };
}

/** To answer at all: time to start. */
export const helloMs = 60_000;

function explain(server: string, error: unknown): Error {
  const told = `--server ${server}`;
  if (error instanceof ProblemError && error.problem.status === 404) {
    const text = `${told} is no adain-server: it answers 404 to GET /model. A path of it belongs to the URL.`;
    return new UsageError(text, { cause: error });
  }
  return new Error(`${told} does not answer as it should (${reason(error)}).`, { cause: error });
}

/** fetch says nothing but that it failed, and of a late answer how it ended itself. */
function reason(error: unknown): string {
  const { message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
  if (error instanceof TypeError && cause) return cause.code ?? cause.message;
  return (error as Error).name === 'TimeoutError' ? 'no answer in time' : message;
}

/**
 * The whole service on a port of this machine alone, so that with a server and without one pictures
 * take the same way, with the same limits and errors.
 */
async function startOwn(deadlineMs: number): Promise<Service> {
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

/** What ends a command: all that follows would fare alike. */
export const unanswered = (cause: unknown): Error =>
  new Error(`The service does not answer (${reason(cause)}).`, { cause });

/** @throws UsageError for what is no address of a server */
export function readServer(given: Arguments): string | undefined {
  const text = given.one('server');
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url && isHttp && url.username === '' && url.search === '') return url.href;
  throw new UsageError(
    `--server is "${text}"; it takes a URL like http://127.0.0.1:8080, without a user.`,
  );
}
