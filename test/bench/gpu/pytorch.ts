/** The same networks and the reference's in PyTorch on the same GPU: models/training/comparisons/torch_speed.py. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { readSettings, say } from './part.ts';

const training = fileURLToPath(new URL('../../../models/training', import.meta.url));

const { device, rounds, reference } = readSettings();
const options = ['--device', device.split(':')[0] ?? '', '--rounds', String(rounds)];
const python = spawn(
  process.env['PYTHON'] ?? 'python3',
  ['-u', '-m', 'comparisons.torch_speed', ...options, '--reference', reference],
  { cwd: training, stdio: ['ignore', 'pipe', 'inherit'] },
);
const ended = once(python, 'exit');

// It writes one Markdown table, a row as soon as it is known.
let columns: string[] | undefined;
for await (const line of createInterface({ input: python.stdout })) {
  const cells = line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
  if (cells.length === 0) console.log(line);
  else if (!columns) columns = cells;
  else if (!cells.every((cell) => /^-+$/.test(cell))) {
    const row = columns.map((name, i): [string, string] => [name, cells[i] ?? '']);
    say('Medians in PyTorch', Object.fromEntries(row));
  }
}
const [code] = (await ended) as [number | null];
if (code !== 0) process.exitCode = 1;
