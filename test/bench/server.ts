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
  readonly pid: number | undefined;
  /** Resident bytes, now and at most so far, as Linux counts them. */
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
      if (msg === 'ready to paint') resolve();
    });
  });
  const client = createClient(url);
  try {
    return await work({ url, client, pid: child.pid, memory: () => residentMemory(child.pid) });
  } finally {
    client.close();
    child.kill();
    await exited;
  }
}

async function residentMemory(pid: number | undefined): Promise<{ now: number; peak: number }> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  const bytes = (name: string) => 1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]);
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
}
