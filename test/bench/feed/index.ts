import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { providerFiles } from '../../engine/devices/cuda/machine.ts';
import { closedLoop, sustained } from '../client.ts';
import { busyCores, cpuOfThreads } from '../gpu/threads.ts';
import { interleave, median } from '../measure.ts';
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
  async run({ rounds, against }): Promise<Report> {
    const checkouts = [...new Set([here, ...(against ? [resolve(against)] : [])])];
    const rows = [];
    let turns: Record<string, Turn[]> = {};
    for (const cores of [1, 2]) {
      turns = await measure(checkouts, cores, rounds);
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
    const own = (side: number, key: keyof Turn) =>
      median((turns[nameOf(here, side)] ?? []).map((turn) => turn[key]));
    return {
      tables: [
        {
          title: `${clients} clients, medians of ${rounds} turns of ${seconds} s after ${unmeasured} pictures`,
          rows,
        },
      ],
      goals: [
        { what: 'HTTP thread, ms a picture of 256²', value: own(256, 'http'), atMost: 0.4 },
        { what: 'worker, ms a picture of 512²', value: own(512, 'worker'), atMost: 1.5 },
      ],
    };
  },
};

const nameOf = (checkout: string, side: number) =>
  checkout === here ? `${side}²` : `${side}², ${checkout}`;

/** Every checkout and size by turns; all servers, but not the client, on so many cores. */
async function measure(checkouts: readonly string[], cores: number, rounds: number) {
  const works: Record<string, () => Promise<Turn>> = {};
  const requests = await Promise.all(sides.map(async (side) => requestFor(await photograph(side))));
  const next = async ([checkout, ...others]: readonly string[]): Promise<
    Record<string, Turn[]>
  > => {
    if (checkout === undefined) return interleave(rounds, works);
    return withFeedServer(checkout, cores, async (server, worker) => {
      const [smallest] = requests;
      await closedLoop(clients, unmeasured, () => server.client.stylize(smallest as never));
      for (const [index, side] of sides.entries()) {
        const ask = () => server.client.stylize(requests[index] as never);
        works[nameOf(checkout, side)] = () => load(server, worker, ask);
      }
      return next(others);
    });
  };
  return next(checkouts);
}

async function load(
  { pid = NaN }: Server,
  worker: number,
  ask: () => Promise<unknown>,
): Promise<Turn> {
  const before = cpuOfThreads(pid);
  let asked = 0;
  const { perSecond } = await sustained(clients, seconds, () => {
    asked++;
    return ask();
  });
  const after = cpuOfThreads(pid);
  const { main, others } = busyCores(pid, before, after, asked / 1000);
  const own = ((after.get(worker) ?? NaN) - (before.get(worker) ?? NaN)) / (asked / 1000);
  const codecs = others.reduce((sum, one) => sum + one, -own);
  return { perSecond, http: main, worker: own, codecs };
}

async function withFeedServer<T>(
  checkout: string,
  cores: number,
  work: (server: Server, worker: number) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'feed-'));
  const libraries = providerFiles();
  for (const [name, bytes] of Object.entries(libraries)) await writeFile(join(folder, name), bytes);
  const entry = join(checkout, 'test/bench/feed/server.ts');
  const list = Array.from({ length: cores }, (_, core) => core).join(',');
  const command = ['taskset', '-c', list, process.execPath, '--import', 'tsx', entry];
  try {
    return await withServer(
      { ADAIN_DEVICE: 'cuda:0', FEED_FOLDER: folder },
      async (server) => {
        const threads = (await readdir(folder)).filter((name) => !(name in libraries));
        return work(server, Number(threads[0]));
      },
      command,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}
