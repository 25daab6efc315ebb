/**
 *     npm run bench -- [name…] [--rounds 7] [--requests 2000] [--megapixels 1,4,16] [--out file]
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { batch } from './batch.ts';
import { eventLoop } from './event-loop.ts';
import { httpOverhead } from './http-overhead.ts';
import { large } from './large.ts';
import { memory } from './memory.ts';
import { overload } from './overload.ts';
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
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '7' },
    requests: { type: 'string', default: '2000' },
    megapixels: { type: 'string', default: '1,4,16' },
    out: { type: 'string' },
  },
});
const options = {
  rounds: count('rounds', values.rounds),
  requests: count('requests', values.requests),
  megapixels: values.megapixels.split(',').map((text) => count('megapixels', text)),
};
for (const name of positionals) {
  if (benches.some((bench) => bench.name === name)) continue;
  throw new Error(`no bench ${name}; there are ${benches.map((bench) => bench.name).join(', ')}`);
}

const reports: Record<string, Report> = {};
for (const { name, summary, run } of benches) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  console.log(`\n## ${name}\n\n${summary}\n`);
  const report = await run(options);
  reports[name] = report;
  console.log(markdown(report));
}
if (values.out !== undefined) {
  const all = { date: new Date().toISOString(), machine: machine(), options, reports };
  await writeFile(values.out, `${JSON.stringify(all, undefined, 2)}\n`);
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name} is ${text}: expected a whole number from 1`);
}
