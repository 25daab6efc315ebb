/** Memory that work takes at most, seen by Linux in a process of its own. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';

// Linux tells a process its highest resident memory, and lets it begin anew.
export const skip = existsSync('/proc/self/clear_refs') ? false : 'not on Linux';

/** As the image has it: what is freed is given back, so that peaks say what is held. */
const env = { ...process.env, MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '4194304' };

/** In bytes. */
export interface Measured {
  readonly bound: number;
  /** By how much the resident memory rose at most. */
  readonly peak: number;
}

/** What such a process writes. */
export async function measure(script: string, ...args: string[]): Promise<Measured> {
  const command = ['--expose-gc', '--import', 'tsx', script, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, command, { env });
  return JSON.parse(stdout) as Measured;
}

/** Of this process, in bytes. */
export async function peakOf(work: () => Promise<unknown>): Promise<number> {
  globalThis.gc?.(); // what was made before would make room for what is made now
  writeFileSync('/proc/self/clear_refs', '5'); // the high-water mark begins anew
  const before = resident('VmRSS');
  await work();
  return resident('VmHWM') - before;
}

function resident(which: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return 1024 * Number(new RegExp(`${which}:\\s+(\\d+) kB`).exec(status)?.[1]);
}
