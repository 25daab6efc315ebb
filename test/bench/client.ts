/**
 * A client for what is timed or refused. It keeps its connections and spends little, a third of a
 * millisecond of CPU a request where fetch spends 1.3, since it shares the cores with the server; any
 * status is an answer, and it waits for as long as the server does, where fetch ends after five minutes.
 * Benches that need none of this use the package's own, src/client.
 */
import { Agent, request, type IncomingHttpHeaders } from 'node:http';

import type { form } from '../support/app.ts';

export type Form = Awaited<ReturnType<typeof form>>;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** From the first byte out to the last byte in. */
  readonly ms: number;
}

export interface Client {
  /** Any status is an answer. */
  send(form: Form, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** @throws Error when the answer is no picture */
  stylize(form: Form): Promise<Answer>;
  get(path: string): Promise<Answer>;
  close(): void;
}

export function createClient(origin: string): Client {
  const agent = new Agent({ keepAlive: true });

  const exchange = (
    method: string,
    path: string,
    headers: Readonly<Record<string, string | number>> = {},
    payload?: Buffer,
  ) =>
    new Promise<Answer>((resolve, reject) => {
      const start = performance.now();
      request(new URL(path, origin), { method, agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode: status = 0, headers } = response;
          const ms = performance.now() - start;
          resolve({ status, headers, body: Buffer.concat(chunks), ms });
        });
      })
        .on('error', reject)
        .end(payload);
    });

  const send: Client['send'] = ({ method, url, headers, payload }, more = {}) =>
    exchange(method, url, { ...headers, 'content-length': payload.length, ...more }, payload);

  return {
    send,
    async stylize(form) {
      const answer = await send(form);
      if (answer.status !== 200) throw new Error(answer.body.toString());
      return answer;
    },
    get: (path) => exchange('GET', path),
    close: () => {
      agent.destroy();
    },
  };
}

/** Clients who each wait for their answer before they ask again; `count` questions in all. */
export async function closedLoop<T>(
  clients: number,
  count: number,
  ask: (index: number) => Promise<T>,
): Promise<{ answers: T[]; perSecond: number }> {
  const answers: T[] = [];
  let next = 0;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (next < count) answers.push(await ask(next++));
    }),
  );
  return { answers, perSecond: (1000 * count) / (performance.now() - start) };
}

/** The same for about so many seconds, after a short while to settle. */
export async function sustained<T>(clients: number, seconds: number, ask: () => Promise<T>) {
  const { perSecond } = await closedLoop(clients, 2 * clients, ask);
  return closedLoop(clients, Math.max(clients, Math.ceil(seconds * perSecond)), ask);
}
