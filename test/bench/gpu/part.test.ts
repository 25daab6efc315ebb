import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';

import { runPart } from './part.ts';

const settings = { device: 'cpu', rounds: 1, reference: '' };
const said = [{ title: 'Things', rows: [{ thing: 'first', ms: 1 }] }];
const sayOne = "process.send({ title: 'Things', row: { thing: 'first', ms: 1 } });";

function partOf(t: Test, source: string): URL {
  const folder = t.testdir({ 'part.mjs': `${sayOne}\n${source}` });
  return pathToFileURL(`${folder}/part.mjs`);
}

/** A process that has ended may stay as a zombie where nobody waits for orphans. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

t.test('a part tells rows, which are tables by their titles', async (t) => {
  const source = `
    process.send({ title: 'Settings', row: JSON.parse(process.argv[2]) });
    process.send({ title: 'Things', row: { thing: process.env.OWN, ms: Infinity } });`;
  const { ended, tables } = await runPart(partOf(t, source), settings, 60, { OWN: 'second' });
  t.equal(ended, 'done');
  t.same(tables, [
    { title: 'Things', rows: [...(said[0]?.rows ?? []), { thing: 'second', ms: Infinity }] },
    { title: 'Settings', rows: [settings] },
  ]);
});

t.test('one that hangs is stopped with all that it has started; its rows are kept', async (t) => {
  const source = `
    import { spawn } from 'node:child_process';
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    process.send({ title: 'Children', row: { pid: child.pid } });
    for (;;);`;
  const { ended, tables } = await runPart(partOf(t, source), settings, 10);
  t.equal(ended, 'stopped after 10 s');
  t.match(tables, said);
  const pid = Number(tables[1]?.rows[0]?.['pid']);
  t.ok(pid > 0);
  while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 50));
});

t.test('one that fails says why, be it an error or a crash; its rows are kept', async (t) => {
  const source = "console.error('words');\nawait null;\nthrow new RangeError('no CUDA device');";
  const failed = await runPart(partOf(t, source), settings, 60);
  t.equal(failed.ended, 'failed: RangeError: no CUDA device');
  t.same(failed.tables, said);

  const crashed = await runPart(partOf(t, "process.kill(process.pid, 'SIGSEGV');"), settings, 60);
  t.match(crashed.ended, /^failed: SIG/);
});
