/** The built server as several processes; the part `service` has the rows of one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { withServer } from '../server.ts';
import { environmentOn, load } from './load.ts';
import { readSettings } from './part.ts';

const { device, rounds } = readSettings();
const four = 'cuda:0,cuda:0,cuda:0,cuda:0';
const runs: [processes: number, device: string][] = [
  [2, device],
  [3, device],
  // More workers than their cores are said to feed.
  ...(device === 'cuda' ? [[2, four] satisfies [number, string]] : []),
];

for (const [processes, place] of runs) {
  const folder = await mkdtemp(join(tmpdir(), 'processes-'));
  const environment = {
    ...environmentOn(place),
    ADAIN_PROCESSES: String(processes),
    ADAIN_STYLE_STORE: `folder:${folder}`,
  };
  await withServer(environment, async (server) => {
    for (const side of [256, 512]) await load(server, side, rounds, { processes, device: place });
  });
  await rm(folder, { recursive: true });
}
