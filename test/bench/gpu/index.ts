import { extname } from 'node:path';

import type { Bench, Options, Report, Row, Table } from '../report.ts';
import { runPart } from './part.ts';

interface Part {
  readonly name: string;
  /** Of the same name by default. */
  readonly module?: string;
  /** More than it should take; kernels are searched for at the start of every session. */
  readonly seconds: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** The most important first: where time runs out, the last are left. */
const parts: readonly Part[] = [
  { name: 'ready', seconds: 60 },
  { name: 'pictures', seconds: 45 },
  {
    name: 'pictures-exact',
    module: 'pictures',
    seconds: 25,
    environment: { NVIDIA_TF32_OVERRIDE: '0' },
  },
  { name: 'runs', seconds: 45 },
  { name: 'workers', seconds: 45 },
  { name: 'service', seconds: 70 },
  { name: 'service-processes', module: 'processes', seconds: 120 },
  { name: 'pytorch', seconds: 60 },
  {
    name: 'service-batch',
    module: 'service',
    seconds: 90,
    environment: { ADAIN_MAX_BATCH: '8' },
  },
];

/** Less would not be worth a start. */
const leastSeconds = 5;

/** The engine and the service on a GPU. Whatever is said is kept after every part. */
export const gpu: Bench = {
  name: 'gpu',
  summary:
    "The engine on a GPU: its pictures against the CPU's, milliseconds a run, workers, HTTP, PyTorch.",
  async run(options: Options, keep): Promise<Report> {
    const end = performance.now() + 1000 * options.seconds;
    const endings: Row[] = [];
    const tables: Table[] = [];
    const report = (): Report => ({ tables: [{ title: 'Parts', rows: endings }, ...tables] });
    for (const { name, module = name, seconds, environment } of chosen(options.parts)) {
      const left = (end - performance.now()) / 1000;
      if (left < leastSeconds) {
        endings.push({ part: name, 'took, s': 0, ended: 'not begun: no time was left' });
        continue;
      }
      console.log(`${name} …`);
      const file = new URL(`./${module}${extname(import.meta.url)}`, import.meta.url);
      // Who asks for one part only waits for it as long as for all.
      const limit = options.parts?.length === 1 ? left : Math.min(seconds, left);
      const ending = await runPart(file, options, limit, environment);
      endings.push({ part: name, 'took, s': ending.seconds, ended: ending.ended });
      tables.push(
        ...ending.tables.map((table) => ({ ...table, title: `${name}: ${table.title}` })),
      );
      await keep(report());
    }
    return report();
  },
};

function chosen(names: readonly string[] | undefined): readonly Part[] {
  if (!names) return parts;
  return names.map((name) => {
    const part = parts.find((one) => one.name === name);
    if (part) return part;
    throw new Error(`no part ${name}; there are ${parts.map((one) => one.name).join(', ')}`);
  });
}
