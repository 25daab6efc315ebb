/** The built server on the device: golden pictures, pictures a second, latency, what saturates. */
import { readFile } from 'node:fs/promises';
import type { LightMyRequestResponse } from 'fastify';

import { usableCores } from '../../../src/engine/devices/cores.ts';
import { perceptualDistance } from '../../golden/perceptual.ts';
import { goldenFile, goldenPictures, paint } from '../../golden/pictures.ts';
import { closedLoop, sustained, type Client, type Form } from '../client.ts';
import { median, quantile, timed } from '../measure.ts';
import { photograph, requestFor, styles } from '../pictures.ts';
import { withServer, type Server } from '../server.ts';
import { gpuMemoryMiB, watchGpu } from './device.ts';
import { readSettings, say } from './part.ts';
import { busyCores, cpuOfThreads } from './threads.ts';

const mebibyte = 2 ** 20;
const clients = 2 * usableCores();
/** Seconds of the paper's table 3, on an NVIDIA Titan X: style cached, and described first. */
const paper = { 256: [0.018, 0.027], 512: [0.065, 0.098] } as const;

const { device, rounds } = readSettings();
const environment = {
  ADAIN_DEVICE: device,
  UV_THREADPOOL_SIZE: String(usableCores() + 1),
};
const start = performance.now();
await withServer(environment, async (server) => {
  await tellMemory(server, 'ready', (performance.now() - start) / 1000);
  await golden(server.client);
  for (const side of [512, 256, 1024]) await load(server, side);
  for (const side of [256, 512] as const) await alone(server.client, side);
  await newSizes(server.client);
  await tellMemory(server, 'at the end', '');
});

async function tellMemory({ memory }: Server, when: string, seconds: number | string) {
  const { now, peak } = await memory();
  say('The server', {
    when,
    'after, s': seconds,
    'resident MiB': now / mebibyte,
    'peak MiB': peak / mebibyte,
    'GPU MiB, of all': gpuMemoryMiB(),
  });
}

async function golden(client: Client) {
  const inject = async (request: Form) => {
    const { status, body } = await client.send(request);
    return { statusCode: status, rawPayload: body, body: String(body) } as LightMyRequestResponse;
  };
  for (const [name, fields] of Object.entries(goldenPictures)) {
    const picture = await paint({ inject }, fields);
    const distance = await perceptualDistance(picture, await readFile(goldenFile(name)));
    say("Golden pictures, on a GPU's canvas: ΔE, 2 is just noticeable", { name, ΔE: distance });
  }
}

async function load({ client, pid = NaN, memory }: Server, side: number) {
  const request = await requestFor(await photograph(side));
  await closedLoop(clients, clients, () => client.stylize(request));
  const watch = watchGpu();
  await client.get('/metrics'); // its gauges of the event loop start anew
  const [own, before, from] = [process.cpuUsage(), cpuOfThreads(pid), performance.now()];
  const { answers } = await sustained(clients, rounds / 2, async () => {
    const { ms } = await client.stylize(request);
    return { ms, at: performance.now() };
  });
  const seconds = (performance.now() - from) / 1000;
  const { main, others } = busyCores(pid, before, cpuOfThreads(pid), seconds);
  const { user, system } = process.cpuUsage(own);
  const { percent, MiB } = watch.stop();
  const metrics = String((await client.get('/metrics')).body);
  const lag = (which: string) =>
    1000 *
    Number(new RegExp(`^nodejs_eventloop_lag_${which}_seconds (\\S+)`, 'm').exec(metrics)?.[1]);
  const times = answers.map(({ ms }) => ms);
  const span = Math.max(...answers.map(({ at }) => at)) - Math.min(...answers.map(({ at }) => at));
  say(`JPEG to JPEG over HTTP, a preset, ${clients} clients; busy threads in cores`, {
    side: `${side}²`,
    'pictures/s': (1000 * (answers.length - 1)) / span,
    'p50, ms': median(times),
    'p95, ms': quantile(times, 0.95),
    'HTTP thread': main,
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

async function alone(client: Client, side: 256 | 512) {
  const count = 4 * rounds;
  const content = await photograph(side);
  const [known, ...unseen] = await Promise.all(
    (await styles(side, 2 + count)).map((style) => requestFor(content, style)),
  );
  const ask = (request: Form | undefined) => timed(() => client.stylize(request as Form))();
  await ask(known);
  await ask(unseen.pop());
  const [cached, described]: [number[], number[]] = [[], []];
  while (unseen.length > 0) {
    cached.push(await ask(known));
    described.push(await ask(unseen.pop()));
  }
  const [theirs, theirsDescribed] = paper[side];
  say(
    "The paper's row over HTTP: one client, medians, uploads; the paper's are the networks' alone",
    {
      side: `${side}²`,
      'style cached, ms': median(cached),
      "the paper's, ms": 1000 * theirs,
      'style described, ms': median(described),
      "the paper's": 1000 * theirsDescribed,
    },
  );
}

async function newSizes(client: Client) {
  for (const [width, height] of [
    [300, 200],
    [500, 430],
    [1000, 900],
    [1600, 1200],
  ] as const) {
    const request = await requestFor(await photograph(width, height));
    const { answers } = await closedLoop(1, 4, () => client.stylize(request));
    const [first = NaN, ...later] = answers.map(({ ms }) => ms);
    say('The first request of a new size', {
      size: `${width}×${height}`,
      'first, ms': first,
      'later, ms': median(later),
    });
  }
}
