/** The built server as a process of its own, as it is deployed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { createClient, type Client } from './client.ts';

const entry = fileURLToPath(new URL('../../dist/server.js', import.meta.url));

export interface Server {
  readonly url: string;
  readonly client: Client;
  /** Of those that serve: several where ADAIN_PROCESSES says so. */
  readonly pids: readonly number[];
  /** Of all, resident bytes, now and at most so far, as Linux counts them. */
  readonly memory: () => Promise<{ now: number; peak: number }>;
}

/** Runs the server on a free port of the loopback for as long as `work` takes. */
export async function withServer<T>(
  environment: Readonly<Record<string, string>>,
  work: (server: Server) => Promise<T>,
  [program = '', ...given]: readonly string[] = [process.execPath, entry],
): Promise<T> {
  const child = spawn(program, given, {
    env: { ...process.env, HOST: '127.0.0.1', PORT: '0', ADAIN_DEVICE: 'cpu', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const several = Number(environment['ADAIN_PROCESSES'] ?? 1) > 1;
  let url = '';
  let said = '';
  await new Promise<void>((resolve, reject) => {
    void exited.then(() => {
      reject(new Error(`the server did not start: ${said || 'is it built (npm run build)?'}`));
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { msg } = JSON.parse(line) as { msg: string };
      said = msg;
      url ||= /listening at (\S+)/.exec(msg)?.[1] ?? '';
      if (msg === (several ? 'all processes are ready' : 'ready to paint')) resolve();
    });
  });
  const client = createClient(url);
  try {
    const own = child.pid ?? NaN;
    const children = several ? await childrenOf(own) : [];
    const pids = several ? children : [own];
    return await work({
      url,
      client,
      pids,
      memory: () => residentMemory([...new Set([own, ...pids])]),
    });
  } finally {
    client.close();
    child.kill();
    await exited;
  }
}

/** Those that a process has started, as Linux knows them. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').map(Number);
}

async function residentMemory(pids: readonly number[]): Promise<{ now: number; peak: number }> {
  const statuses = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/status`, 'utf8')));
  const bytes = (name: string) =>
    statuses.reduce(
      (sum, status) => sum + 1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]),
      0,
    );
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
}
