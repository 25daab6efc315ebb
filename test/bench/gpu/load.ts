/** The service under load on the device. */
import { usableCores } from '../../../src/engine/devices/cores.ts';
import { closedLoop, sustained } from '../client.ts';
import { median, quantile } from '../measure.ts';
import { photograph, requestFor } from '../pictures.ts';
import type { Row } from '../report.ts';
import type { Server } from '../server.ts';
import { watchGpu } from './device.ts';
import { say } from './part.ts';
import { busyCores, cpuOfThreads } from './threads.ts';

const mebibyte = 2 ** 20;
const clients = 2 * usableCores();

export const environmentOn = (device: string) => ({
  ADAIN_DEVICE: device,
  UV_THREADPOOL_SIZE: String(usableCores() + 1),
});

/** A table's row: pictures a second of one side, and what is busy meanwhile. `more` stands before. */
export async function load(
  { client, pids, memory }: Server,
  side: number,
  rounds: number,
  more: Row = {},
): Promise<void> {
  const request = await requestFor(await photograph(side));
  await closedLoop(clients, clients, () => client.stylize(request));
  const watch = watchGpu();
  await client.get('/metrics'); // its gauges of the event loop start anew
  const [own, before, from] = [process.cpuUsage(), cpuOfThreads(pids), performance.now()];
  const { answers } = await sustained(clients, rounds / 2, async () => {
    const { ms } = await client.stylize(request);
    return { ms, at: performance.now() };
  });
  const seconds = (performance.now() - from) / 1000;
  const { mains, others } = busyCores(pids, before, cpuOfThreads(pids), seconds);
  const { user, system } = process.cpuUsage(own);
  const { percent, MiB } = watch.stop();
  const metrics = String((await client.get('/metrics')).body);
  const lag = (which: string) => {
    const series = new RegExp(`^nodejs_eventloop_lag_${which}_seconds(?:\\{.*\\})? (\\S+)`, 'gm');
    return 1000 * Math.max(...[...metrics.matchAll(series)].map(([, value]) => Number(value)));
  };
  const times = answers.map(({ ms }) => ms);
  const span = Math.max(...answers.map(({ at }) => at)) - Math.min(...answers.map(({ at }) => at));
  say(`JPEG to JPEG over HTTP, a preset, ${clients} clients; busy threads in cores`, {
    ...more,
    side: `${side}²`,
    'pictures/s': (1000 * (answers.length - 1)) / span,
    'p50, ms': median(times),
    'p95, ms': quantile(times, 0.95),
    'HTTP thread': mains[0] ?? NaN,
    'busiest other': others[0] ?? NaN,
    'all others': others.reduce((sum, one) => sum + one, 0),
    'this client': (user + system) / 1e6 / seconds,
    'loop delay, mean ms': lag('mean'),
    'at most': lag('max'),
    'GPU busy, %': percent,
    'GPU MiB, of all': MiB,
    'resident MiB': (await memory()).now / mebibyte,
  });
}
