import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';

import type { Parts } from '../../src/app.ts';
import { root } from '../docker/files.ts';
import { build, photo } from '../support/app.ts';
import { fakeEngine, type FakeEngine } from '../support/fake-engine.ts';

/** A line of JSON on stdout. */
export interface Line {
  readonly input: string;
  readonly status?: string;
  readonly output?: string;
  readonly code?: string;
  readonly done?: number;
  readonly total?: number;
  readonly id?: string;
}

/** The built command, started. */
export function start(t: Test, args: readonly string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [root('dist/cli.js'), ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const lines: Line[] = [];
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  let errors = '';
  const reading = createInterface({ input: child.stdout });
  reading.on('line', (line) => {
    if (line.startsWith('{')) lines.push(JSON.parse(line) as Line);
  });
  child.stderr.on('data', (text) => (errors += String(text)));
  const ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => ({
    ...{ code: code ?? signal, lines, errors, text },
    count: (status: string) => lines.filter((line) => line.status === status).length,
  }));
  /** Resolves when so many lines have come. */
  const told = async (count: number) => {
    while (lines.length < count) await once(reading, 'line');
  };
  return { child, ended, told };
}

export const run = (t: Test, ...args: string[]) => start(t, args).ended;

/** A service in this process, which gives back what comes; what is painted is counted. */
export async function serve(t: Test, engine: Partial<FakeEngine> = {}, parts: Partial<Parts> = {}) {
  const app = await build(t, {}, { createEngine: fakeEngine(engine), ...parts });
  const painted: number[] = [];
  app.addHook('onResponse', async (request, reply) => {
    if (request.url === '/stylize') painted.push(reply.statusCode);
  });
  return { app, painted, url: await app.listen({ port: 0, host: '127.0.0.1' }) };
}

/** A folder with pictures of these names, each another; `.txt` are none. */
export async function folderOf(t: Test, ...names: string[]): Promise<string> {
  const folder = t.testdir();
  for (const [index, name] of names.entries()) {
    mkdirSync(join(folder, 'in', dirname(name)), { recursive: true });
    writeFileSync(join(folder, 'in', name), await photo(64, 64, index + 1));
  }
  return folder;
}

/** All files below a folder, hidden ones too but for the record, in order. */
export const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== '.adain-server.json')
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort();
