import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/**
 * CPU cores that this process may use: what the scheduler lets it run on, and no more than the
 * control group's quota, which Node does not look at. Fractions are cut off: a thread beyond the
 * quota makes the kernel stop all of them for the rest of a period.
 * @param cgroup where a container finds its control group
 */
export function usableCores(cgroup = '/sys/fs/cgroup'): number {
  const cores = availableParallelism();
  const [quota, period] = readQuota(cgroup).map(Number);
  if (!quota || !period || quota < 0) return cores; // max, -1, or no control group
  return Math.max(1, Math.min(cores, Math.floor(quota / period)));
}

/** Microseconds of running allowed in each period, and the period. */
function readQuota(cgroup: string): string[] {
  const version2 = read(join(cgroup, 'cpu.max'));
  if (version2 !== undefined) return version2.split(' ');
  return ['cfs_quota_us', 'cfs_period_us'].map(
    (name) => read(join(cgroup, `cpu/cpu.${name}`)) ?? '',
  );
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
