import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

import { plainNode } from '../support/node.ts';

// The built server, as `npm start` runs it, over a socket.
export const root = fileURLToPath(new URL('../..', import.meta.url));
const entry = `${root}dist/server.js`;

export type Server = ChildProcessByStdio<null, Readable, Readable>;
export interface LogLine {
  level: number;
  msg: string;
  route?: string;
  status?: number;
  stages?: Record<string, number>;
  pid?: number;
  reqId?: string;
  /** Of one of several processes. */
  process?: number;
  child?: number;
}

/** For a process whose lines are to count (`npm run coverage`), where any do. */
export const counted: Record<string, string> =
  process.env['_TAPJS_PROCESSINFO_COVERAGE_'] === '0'
    ? {}
    : { NODE_OPTIONS: process.env['NODE_OPTIONS'] ?? '' };

export function run(environment: Record<string, string>, ...args: string[]): Server {
  const defaults = { HOST: '127.0.0.1', PORT: '0' };
  const env: NodeJS.ProcessEnv = { ...process.env, ...defaults, ...environment };
  delete env['ADAIN_TEST_CUDA_PROVIDER']; // the tests' own
  const command = plainNode([entry, ...args], environment['NODE_OPTIONS']);
  return spawn(...command, { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

export async function textOf(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** Starts the server and waits until it is ready. */
export async function start(t: Test, environment: Record<string, string> = {}) {
  return ready(t, run(environment));
}

export async function ready(t: Test, server: Server, word = 'ready to paint') {
  t.teardown(() => server.kill('SIGKILL'));
  const log: LogLine[] = [];
  let url = '';
  await new Promise<void>((resolve, reject) => {
    server.stderr.on('data', (text) => {
      reject(new Error(`the server complains: ${String(text)}`));
    });
    createInterface({ input: server.stdout }).on('line', (line) => {
      const entry = JSON.parse(line) as LogLine;
      log.push(entry);
      url ||= /listening at (\S+)/.exec(entry.msg)?.[1] ?? '';
      if (entry.msg.startsWith(word)) resolve();
    });
  });
  return { server, url, log };
}

/** What a process has computed for so far, in milliseconds, as Linux counts it. */
export function processorTime({ pid }: Server): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  return 10 * (Number(fields[13]) + Number(fields[14]));
}

/** Resident bytes of a process, at most so far, as Linux counts them. */
export function peakMemory({ pid }: Server): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]);
}
