import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { providerFiles } from '../../engine/devices/cuda/machine.ts';
import { closedLoop, sustained } from '../client.ts';
import { busyCores, cpuOfThreads } from '../gpu/threads.ts';
import { interleave, median, ratio } from '../measure.ts';
import { photograph, requestFor } from '../pictures.ts';
import type { Bench, Report } from '../report.ts';
import { withServer, type Server } from '../server.ts';

const sides = [256, 512] as const;
const clients = 8;
const seconds = 2;
/** Before the first turn: V8 goes on optimising the HTTP thread's code for thousands of requests. */
const unmeasured = 4000;
const here = fileURLToPath(new URL('../../..', import.meta.url));

interface Turn {
  readonly perSecond: number;
  /** Milliseconds of CPU a picture. */
  readonly http: number;
  readonly worker: number;
  readonly codecs: number;
}

/**
 * The server is the built one with a GPU's layout, one worker, and an onnxruntime that answers at once
 * with a picture of the right size. What is left is what the service adds to a run.
 */
export const feed: Bench = {
  name: 'feed',
  summary:
    'JPEG to JPEG over HTTP with a GPU that answers at once: pictures a second, and milliseconds of CPU a picture by thread.',
  async run({ rounds, against, processes }): Promise<Report> {
    const checkouts = [...new Set([here, ...(against ? [resolve(against)] : [])])];
    const servers = checkouts.flatMap((checkout) =>
      processes.map((count): Served => ({ checkout, processes: count })),
    );
    const [first = 1] = processes;
    const rows = [];
    let turns: Record<string, Turn[]> = {};
    for (const cores of [1, 2]) {
      turns = await measure(servers, cores, rounds);
      for (const [what, all] of Object.entries(turns)) {
        const of = (key: keyof Turn) => median(all.map((turn) => turn[key]));
        rows.push({
          cores: cores,
          what,
          'pictures/s': of('perSecond'),
          'HTTP thread, ms': of('http'),
          "worker's thread, ms": of('worker'),
          'all others (codecs), ms': of('codecs'),
        });
      }
    }
    const of = (count: number, side: number, key: keyof Turn) =>
      (turns[nameOf({ checkout: here, processes: count }, side)] ?? []).map((turn) => turn[key]);
    const own = (side: number, key: keyof Turn) => median(of(first, side, key));
    const perSecond = (count: number, side: number) => of(count, side, 'perSecond');
    return {
      tables: [
        {
          title: `${clients} clients, medians of ${rounds} turns of ${seconds} s after ${unmeasured} pictures`,
          rows,
        },
        {
          title: `Pictures a second on two cores, over those of ${first} process`,
          rows: processes.slice(1).map((count) => ({
            processes: count,
            ...Object.fromEntries(
              sides.map((side) => [
                `${side}²`,
                ratio(perSecond(count, side), perSecond(first, side)),
              ]),
            ),
          })),
        },
      ].filter(({ rows }) => rows.length > 0),
      goals: [
        { what: 'HTTP thread, ms a picture of 256²', value: own(256, 'http'), atMost: 0.4 },
        { what: 'worker, ms a picture of 512²', value: own(512, 'worker'), atMost: 1.5 },
      ],
    };
  },
};

interface Served {
  readonly checkout: string;
  readonly processes: number;
}

const nameOf = ({ checkout, processes }: Served, side: number) =>
  [
    `${side}²`,
    ...(processes > 1 ? [`${processes} processes`] : []),
    ...(checkout === here ? [] : [checkout]),
  ].join(', ');

/** Every checkout, number of processes and size by turns; all servers, but not the client, on so many cores. */
async function measure(servers: readonly Served[], cores: number, rounds: number) {
  const works: Record<string, () => Promise<Turn>> = {};
  const requests = await Promise.all(sides.map(async (side) => requestFor(await photograph(side))));
  const next = async ([served, ...others]: readonly Served[]): Promise<Record<string, Turn[]>> => {
    if (served === undefined) return interleave(rounds, works);
    return withFeedServer(served, cores, async (server, workers) => {
      const [smallest] = requests;
      await closedLoop(clients, served.processes * unmeasured, () =>
        server.client.stylize(smallest as never),
      );
      for (const [index, side] of sides.entries()) {
        const ask = () => server.client.stylize(requests[index] as never);
        works[nameOf(served, side)] = () => load(server, workers, ask);
      }
      return next(others);
    });
  };
  return next(servers);
}

async function load(
  { pids }: Server,
  workers: readonly number[],
  ask: () => Promise<unknown>,
): Promise<Turn> {
  const before = cpuOfThreads(pids);
  let asked = 0;
  const { perSecond } = await sustained(clients, seconds, () => {
    asked++;
    return ask();
  });
  const after = cpuOfThreads(pids);
  const { mains, others } = busyCores(pids, before, after, asked / 1000);
  const own = total(
    workers.map((one) => ((after.get(one) ?? NaN) - (before.get(one) ?? NaN)) / (asked / 1000)),
  );
  return { perSecond, http: total(mains), worker: own, codecs: total(others) - own };
}

const total = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0);

async function withFeedServer<T>(
  { checkout, processes }: Served,
  cores: number,
  work: (server: Server, workers: readonly number[]) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'feed-'));
  const libraries = providerFiles();
  for (const [name, bytes] of Object.entries(libraries)) await writeFile(join(folder, name), bytes);
  const entry = join(checkout, 'test/bench/feed/server.ts');
  const list = Array.from({ length: cores }, (_, core) => core).join(',');
  const command = ['taskset', '-c', list, process.execPath, '--import', 'tsx', entry];
  try {
    return await withServer(
      {
        ADAIN_DEVICE: 'cuda:0',
        ADAIN_PROCESSES: String(processes),
        ADAIN_STYLE_STORE: processes > 1 ? `folder:${join(folder, 'styles')}` : '',
        FEED_FOLDER: folder,
      },
      async (server) => {
        const threads = (await readdir(folder)).filter((name) => /^\d+$/.test(name));
        return work(server, threads.map(Number));
      },
      command,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}
