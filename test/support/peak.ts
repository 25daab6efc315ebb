/** Memory that work takes at most, in a process of its own. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';

import { bundle, plainNode } from './node.ts';
import type { Measured } from './peak-of.ts';

// Linux tells a process its highest resident memory, and lets it begin anew.
export const skip = existsSync('/proc/self/clear_refs') ? false : 'not on Linux';

/** As the image has it: what is freed is given back, so that peaks say what is held. */
const env = { ...process.env, MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '4194304' };

/** What such a process writes: of a script, each time in a new one. */
export function measurer(script: URL) {
  const file = bundle(script);
  return async (...args: string[]): Promise<Measured> => {
    const command = plainNode(['--expose-gc', file, ...args]);
    const { stdout } = await promisify(execFile)(...command, { env });
    return JSON.parse(stdout) as Measured;
  };
}
