/** A part of the bench: a process of its own with a time limit, so that its failure loses only itself. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Row, Table } from '../report.ts';

/** What every part is told. */
export interface Settings {
  /** As ADAIN_DEVICE has it. */
  readonly device: string;
  /** How often, and for how many half seconds, things are measured. */
  readonly rounds: number;
  /** The folder of the reference networks' weights. */
  readonly reference: string;
}

export interface Ending {
  /** `done`, or what became of it. */
  readonly ended: string;
  readonly seconds: number;
  /** What it said until then. */
  readonly tables: readonly Table[];
}

interface Word {
  readonly title: string;
  readonly row: Row;
}

/** Runs a part's module for at most so many seconds; then it and all that it has started are killed. */
export async function runPart(
  file: URL,
  settings: Settings,
  seconds: number,
  environment: Readonly<Record<string, string>> = {},
): Promise<Ending> {
  const start = performance.now();
  const child = fork(file, [JSON.stringify(settings)], {
    detached: true, // in a process group, which can be killed as one
    env: { ...process.env, ...environment },
    serialization: 'advanced', // Infinity, too
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  const tables = new Map<string, Row[]>();
  child.on('message', ({ title, row }: Word) => {
    tables.set(title, [...(tables.get(title) ?? []), row]);
  });
  let complaint = '';
  child.stderr?.on('data', (text) => {
    process.stderr.write(text as Buffer);
    complaint = (complaint + String(text)).slice(-10_000);
  });
  const closed = once(child, 'close');
  const late = await Promise.race([
    once(child, 'exit').then(() => false),
    sleep(1000 * seconds, true, { ref: false }),
  ]);
  killGroup(child.pid); // with what it has left behind
  const [code, signal] = (await closed) as [number | null, string | null];
  const how = code === 0 ? 'done' : `failed: ${reasonIn(complaint) || (signal ?? '')}`;
  return {
    ended: late ? `stopped after ${Math.round(seconds)} s` : how,
    seconds: (performance.now() - start) / 1000,
    tables: [...tables].map(([title, rows]) => ({ title, rows })),
  };
}

/** In a part: what it is told. It ends when the bench does, and a promise left behind does not keep it. */
export function readSettings(): Settings {
  process.on('disconnect', () => {
    killGroup(process.pid);
  });
  process.channel?.unref();
  return JSON.parse(process.argv[2] ?? '') as Settings;
}

/** In a part: adds a row to one of its tables. All rows of a table have the columns of its first. */
export function say(title: string, row: Row): void {
  process.send?.({ title, row } satisfies Word);
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** The error that ended a process, or the last line that it wrote. */
function reasonIn(complaint: string): string {
  const lines = complaint.split('\n').filter((line) => line.trim() !== '');
  const line = lines.find((line) => /^\w*Error\b.*:/.test(line)) ?? lines.at(-1) ?? '';
  return line.slice(0, 600);
}
