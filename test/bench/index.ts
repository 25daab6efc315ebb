/**
 *     npm run bench -- [name…] [--rounds 7] [--requests 2000] [--megapixels 1,4,16] [--out folder]
 *     npm run bench -- feed [--against another checkout] [--processes 1,2]
 *     npm run bench -- gpu [--device cuda] [--seconds 180] [--parts ready,runs] [--reference folder]
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { batch } from './batch.ts';
import { eventLoop } from './event-loop.ts';
import { frames } from './frames.ts';
import { feed } from './feed/index.ts';
import { gpu } from './gpu/index.ts';
import { httpOverhead } from './http-overhead.ts';
import { large } from './large.ts';
import { memory } from './memory.ts';
import { overload } from './overload.ts';
import { referenceFolder } from './reference-networks.ts';
import { reference } from './reference.ts';
import { machine, markdown, type Report } from './report.ts';
import { sideBySide } from './side-by-side.ts';
import { styleCache } from './style-cache.ts';

const benches = [
  httpOverhead,
  styleCache,
  batch,
  sideBySide,
  reference,
  overload,
  eventLoop,
  memory,
  large,
  frames,
  feed,
  gpu,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '7' },
    requests: { type: 'string', default: '2000' },
    megapixels: { type: 'string', default: '1,4,16' },
    device: { type: 'string', default: 'cuda' },
    seconds: { type: 'string', default: '180' },
    parts: { type: 'string' },
    reference: { type: 'string', default: fileURLToPath(referenceFolder) },
    against: { type: 'string' },
    processes: { type: 'string', default: '1' },
    out: { type: 'string' },
  },
});
const options = {
  rounds: count('rounds', values.rounds),
  requests: count('requests', values.requests),
  megapixels: values.megapixels.split(',').map((text) => count('megapixels', text)),
  device: values.device,
  seconds: count('seconds', values.seconds),
  parts: values.parts?.split(','),
  reference: resolve(values.reference),
  against: values.against,
  processes: values.processes.split(',').map((text) => count('processes', text)),
};
for (const name of positionals) {
  if (benches.some((bench) => bench.name === name)) continue;
  throw new Error(`no bench ${name}; there are ${benches.map((bench) => bench.name).join(', ')}`);
}

const reports: Record<string, Report> = {};
for (const { name, summary, run } of benches) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  console.log(`\n## ${name}\n\n${summary}\n`);
  const keep = (report: Report) => save({ ...reports, [name]: report });
  const report = await run(options, keep);
  reports[name] = report;
  await save(reports);
  console.log(markdown(report));
}

/** As JSON and as Markdown, for what comes next may fail. */
async function save(reports: Readonly<Record<string, Report>>): Promise<void> {
  if (values.out === undefined) return;
  const all = { date: new Date().toISOString(), machine: machine(), options, reports };
  const texts = Object.entries(reports).map(
    ([name, report]) => `## ${name}\n\n${markdown(report)}`,
  );
  await mkdir(values.out, { recursive: true });
  await writeFile(join(values.out, 'bench.json'), `${JSON.stringify(all, undefined, 2)}\n`);
  await writeFile(join(values.out, 'bench.md'), `${texts.join('\n\n')}\n`);
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name} is ${text}: expected a whole number from 1`);
}
