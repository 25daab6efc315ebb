import { createClient, ProblemError, type AdainClient, type CallOptions } from '../client/index.ts';
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
    const { startOwn } = await import('./own-service.ts'); // a large part, which no other server needs
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
