/** The built server on the device: golden pictures, pictures a second, latency, what saturates. */
import { readFile } from 'node:fs/promises';
import type { LightMyRequestResponse } from 'fastify';

import { perceptualDistance } from '../../golden/perceptual.ts';
import { goldenFile, goldenPictures, paint } from '../../golden/pictures.ts';
import { closedLoop, type Client, type Form } from '../client.ts';
import { median, timed } from '../measure.ts';
import { photograph, requestFor, styles } from '../pictures.ts';
import { withServer, type Server } from '../server.ts';
import { gpuMemoryMiB } from './device.ts';
import { environmentOn, load } from './load.ts';
import { readSettings, say } from './part.ts';

const mebibyte = 2 ** 20;
/** Seconds of the paper's table 3, on an NVIDIA Titan X: style cached, and described first. */
const paper = { 256: [0.018, 0.027], 512: [0.065, 0.098] } as const;

const { device, rounds } = readSettings();
const start = performance.now();
await withServer(environmentOn(device), async (server) => {
  await tellMemory(server, 'ready', (performance.now() - start) / 1000);
  await golden(server.client);
  for (const side of [512, 256, 1024]) await load(server, side, rounds);
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
