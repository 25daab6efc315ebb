/** Memory that work takes at most, as the process sees it that does the work. */
import { readFileSync, writeFileSync } from 'node:fs';

/** In bytes. */
export interface Measured {
  readonly bound: number;
  /** By how much the resident memory rose at most. */
  readonly peak: number;
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
