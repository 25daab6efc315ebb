/** Where a process spends its time, as Linux counts it. */
import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100; // of /proc, on every architecture that Node has

/** Seconds of CPU of each thread, by its number: the main one has the process's. */
export function cpuOfThreads(pid: number): Map<number, number> {
  const folder = `/proc/${pid}/task`;
  return new Map(
    readdirSync(folder).map((thread) => {
      const stat = readFileSync(`${folder}/${thread}/stat`, 'utf8');
      // The name, in brackets, may hold anything.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const [user = NaN, system = NaN] = fields.slice(11, 13).map(Number);
      return [Number(thread), (user + system) / ticksPerSecond];
    }),
  );
}

/** Cores that threads kept busy between two readings, the busiest first, but for the main one. */
export function busyCores(
  pid: number,
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
  seconds: number,
): { main: number; others: number[] } {
  const spent = (thread: number) =>
    ((after.get(thread) ?? NaN) - (before.get(thread) ?? 0)) / seconds;
  const others = [...after.keys()].filter((thread) => thread !== pid).map(spent);
  return { main: spent(pid), others: others.sort((a, b) => b - a) };
}
