/** Where a process spends its time, as Linux counts it. */
import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100; // of /proc, on every architecture that Node has

/** Seconds of CPU of each thread of some processes, by its number: the main ones have their processes'. */
export function cpuOfThreads(pids: readonly number[]): Map<number, number> {
  const threads = pids.flatMap((pid) =>
    readdirSync(`/proc/${pid}/task`).map((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
      // The name, in brackets, may hold anything.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const [user = NaN, system = NaN] = fields.slice(11, 13).map(Number);
      return [Number(thread), (user + system) / ticksPerSecond] as const;
    }),
  );
  return new Map(threads);
}

/** Cores that threads kept busy between two readings, the busiest first: the main ones, and others. */
export function busyCores(
  pids: readonly number[],
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
  seconds: number,
): { mains: number[]; others: number[] } {
  const spent = (thread: number) =>
    ((after.get(thread) ?? NaN) - (before.get(thread) ?? 0)) / seconds;
  const busy = (threads: readonly number[]) => threads.map(spent).sort((a, b) => b - a);
  const others = [...after.keys()].filter((thread) => !pids.includes(thread));
  return { mains: busy(pids), others: busy(others) };
}
