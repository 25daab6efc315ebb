import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * CPU cores that this process may use: what the scheduler lets it run on, and no more than the
 * control group's quota, which Node does not look at. Fractions are cut off: a thread beyond the
 * quota makes the kernel stop all of them for the rest of a period.
 * @param quotaFile `<quota> <period>` or `max <period>`, as cgroup v2 writes it
 */
export function usableCores(quotaFile = '/sys/fs/cgroup/cpu.max'): number {
  const cores = availableParallelism();
  try {
    const [quota, period] = readFileSync(quotaFile, 'utf8').trim().split(' ').map(Number);
    if (!quota || !period) return cores;
    return Math.max(1, Math.min(cores, Math.floor(quota / period)));
  } catch {
    return cores; // no cgroup v2 here
  }
}
