import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import t from 'tap';

import { root, start } from './server-process.ts';

// What a newcomer copies from the README runs as it stands there, but for the port.
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = (language: string) =>
  [...readme.matchAll(/^```(\w+)\n(.*?)^```/gms)]
    .filter(([, name]) => name === language)
    .map(([, , text = '']) => text);
const run = (command: string, args: readonly string[], options: { cwd: string }) =>
  promisify(execFile)('env', ['NODE_OPTIONS=', command, ...args], options); // without tap's

const { url } = await start(t);
const here = (text: string) => text.replaceAll('http://127.0.0.1:8080', url);

/** Runs a command where the README's paths lead to the repository's files, and finds its picture. */
async function picture(command: string, ...args: string[]) {
  const cwd = t.testdir();
  symlinkSync(join(root, 'models'), join(cwd, 'models'));
  await run(command, args, { cwd });
  const file = ['out.jpg', 'out.webp'].map((name) => join(cwd, name)).find(existsSync);
  if (file === undefined) throw new Error('it has written no picture');
  // Not by its name, under which libvips remembers the one before.
  const { format, width, pages } = await sharp(readFileSync(file)).metadata();
  rmSync(file);
  return [format, width, ...(pages === undefined ? [] : [`of ${pages} frames`])].join(' ');
}

t.test('the curl lines', async (t) => {
  const lines = blocks('sh').filter((text) => text.startsWith('curl'));
  const made: string[] = [];
  for (const line of lines) made.push(await picture('sh', '-c', here(line)));
  t.same(made, [
    'jpeg 960',
    'webp 800',
    'jpeg 960',
    'jpeg 960',
    'webp 420 of 4 frames',
    'jpeg 960',
  ]);
  t.ok(lines.every((line) => line.includes('--fail-with-body')));
});

t.test('the commands', async (t) => {
  const lines = blocks('sh').filter((text) => text.startsWith('npx'));
  t.equal(lines.length, 3);
  const cwd = t.testdir(); // in the repository, whose package has the command
  symlinkSync(join(root, 'models'), join(cwd, 'models'));
  const said = [];
  for (const line of lines) said.push((await run('sh', ['-c', here(line)], { cwd })).stdout);
  const sources = readdirSync(join(root, 'models/examples')).filter((name) => name.includes('.'));
  t.same(readdirSync(join(cwd, 'painted')), ['.adain-server.json', ...sources]);
  t.equal((await sharp(join(cwd, 'sheet.jpg')).metadata()).format, 'jpeg');
  t.match(said[2], /"id":"my-cubist"/);
});

t.test('the clients in JavaScript', async (t) => {
  const clients = blocks('js');
  t.equal(clients.length, 2);
  for (const client of clients) {
    // In the repository, whose package exports the second.
    const script = join(t.testdir(), 'client.mjs');
    writeFileSync(script, here(client));
    t.equal(await picture(process.execPath, script), 'jpeg 960');
  }
});

/** The environment of the tests' own client generator has httpx. */
const python = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'openapi-python-client'))
  .filter(existsSync)
  .map((tool) => join(dirname(tool), 'python'))[0];
const skip = python ? false : 'NOT CHECKED: there is no Python with httpx';
if (skip) process.stderr.write(`\n${skip}\n\n`);

t.test('the client in Python', { skip }, async (t) => {
  const [client = ''] = blocks('python');
  const script = join(t.testdir(), 'client.py');
  writeFileSync(script, here(client));
  t.equal(await picture(python ?? '', script), 'jpeg 960');
});
