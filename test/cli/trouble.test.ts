import { once } from 'node:events';
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';

import { openResults } from '../../src/cli/results.ts';
import { root } from '../docker/files.ts';
import { filesIn, folderOf, run, serve, start } from './command.ts';

const isRoot = process.getuid?.() === 0;
const style = ['--style', 'mosaic'];

/** A server that greets so often, and answers all else so. */
async function answering(t: Test, answer: RequestListener, greetings = Infinity): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (request.url === '/model' && greetings-- > 0) response.end('{}');
      else answer(request, response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('a picture that takes too long fails alone', async (t) => {
  let asked = 0;
  const url = await answering(t, (_request, response) => {
    if (++asked > 1) response.end('a picture');
  });
  const folder = await folderOf(t, 'a.png', 'b.png');
  const out = join(folder, 'out');
  const args = ['stylize', join(folder, 'in'), ...style, '--out', out, '--server', url];
  const { code, lines } = await run(t, ...args, '--timeout', '1', '--jobs', '1');
  t.equal(code, 1);
  t.match(lines, [{ status: 'failed', code: 'timeout' }, { status: 'painted' }]);
  t.same(filesIn(out), ['b.png']);
});

t.test('a service that falls silent ends the work, not each picture', async (t) => {
  const url = await answering(t, () => undefined, 1);
  const folder = await folderOf(t, 'a.png', 'b.png');
  const args = ['stylize', join(folder, 'in'), ...style, '--out', join(folder, 'out')];
  const { code, lines, errors } = await run(t, ...args, '--server', url, '--timeout', '1');
  t.same([code, lines], [1, []]);
  t.match(errors, /The service does not answer/);
});

t.test('a service that takes calls and says nothing is told as such', async (t) => {
  const silent = await answering(t, () => undefined, 0);
  const folder = await folderOf(t, 'a.png');
  const args = ['stylize', join(folder, 'in'), ...style, '--out', join(folder, 'out')];
  const { code, errors } = await run(t, ...args, '--server', silent, '--timeout', '1');
  t.equal(code, 1);
  t.match(errors, /--server .* does not answer as it should \(no answer in time\)/);

  const other = await answering(t, (_request, response) => response.writeHead(404).end(), 0);
  const added = await run(t, 'styles', 'add', join(folder, 'in/a.png'), '--server', other);
  t.match(added, { code: 2, errors: /is no adain-server/ }, 'styles add says hello, too');
});

t.test('--out that cannot be written is said by its name', async (t) => {
  const { url } = await serve(t);
  const folder = await folderOf(t, 'a.png', 'b.png');
  const [out, sheet] = [join(folder, 'file'), join(folder, 'sheet.png')];
  writeFileSync(out, '');
  mkdirSync(sheet);
  const server = ['--server', url];
  const told = await run(t, 'stylize', join(folder, 'in'), ...style, '--out', out, ...server);
  t.match(told, {
    code: 2,
    errors: /--out is .*file, which cannot be written \(EEXIST\)\. Choose/,
  });
  const drawn = await run(t, 'sheet', join(folder, 'in/a.png'), '--out', sheet, ...server);
  t.match(drawn, { code: 2, errors: /--out is .*sheet\.png, which .* \(EISDIR\)/ });
  t.same(filesIn(folder), ['file', 'in/a.png', 'in/b.png'], 'and no draft');
});

const full = existsSync('/dev/full') ? false : 'there is no /dev/full';
t.test('lines that cannot be written are not lost in silence', { skip: full }, async (t) => {
  const { url } = await serve(t);
  const folder = await folderOf(t, 'a.png');
  const commands = [
    ['stylize', '--help'],
    ['styles', 'add', join(folder, 'in/a.png'), '--server', url],
  ];
  for (const args of commands) {
    const stdio = ['ignore', openSync('/dev/full', 'w'), 'pipe'] as const;
    const child = spawn(process.execPath, [root('dist/cli.js'), ...args], { stdio: [...stdio] });
    let errors = '';
    child.stderr?.on('data', (chunk) => (errors += String(chunk)));
    t.same(await once(child, 'close'), [1, null]);
    t.equal(errors, 'What stdout says is lost (ENOSPC).\n');
  }
});

t.test('a picture that changes while it is painted is painted again', async (t) => {
  const folder = await folderOf(t, 'a.png', 'b.png', 'c.png');
  let asked = 0;
  const url = await answering(t, (_request, response) => {
    asked++;
    if (asked === 1) appendFileSync(join(folder, 'in/a.png'), 'more');
    if (asked === 2) rmSync(join(folder, 'in/b.png'));
    response.end('a picture');
  });
  const out = join(folder, 'out');
  const args = ['stylize', join(folder, 'in'), ...style, '--out', out, '--server', url];
  const { code, errors } = await run(t, ...args, '--jobs', '1');
  t.same([code, errors.includes('3 painted')], [0, true], 'one that goes is no fault');
  const again = await run(t, ...args);
  t.same([again.code, again.count('painted'), again.count('skipped')], [0, 1, 1]);
  t.same((await run(t, ...args)).count('skipped'), 2);
});

t.test('a record that another worker is writing is read again', async (t) => {
  const folder = t.testdir({ '.adain-server.json': '' });
  const opened = openResults(folder, { alpha: [1] }, []);
  await setTimeout(300);
  writeFileSync(join(folder, '.adain-server.json'), '{"settings":{"alpha":[1]}}');
  t.match(await opened, { rest: [] });
});

t.test(
  'a folder that cannot be read now may be later',
  { skip: isRoot && 'as root' },
  async (t) => {
    const folder = await folderOf(t, 'a.png', 'sub/b.png');
    mkdirSync(join(folder, 'in/closed'), { mode: 0 });
    const args = ['stylize', join(folder, 'in'), ...style, '--out', join(folder, 'out')];
    t.match(await run(t, ...args), { code: 1, errors: /closed cannot be read \(EACCES\)/ });
    chmodSync(join(folder, 'in/closed'), 0o700);
  },
);

t.test('what a server says is escaped; who reads stderr may go', async (t) => {
  const url = await answering(t, (_request, response) => {
    response.writeHead(404, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ status: 404, code: 'unknown_style', detail: 'No \x1b[2J.' }));
  });
  const folder = await folderOf(t, 'a.png', 'b.png');
  const args = ['stylize', join(folder, 'in'), ...style, '--out', join(folder, 'out')];
  const told = await run(t, ...args, '--server', url);
  t.match(told, { code: 2, errors: /No \\u001b\[2J\./ });

  const unheard = start(t, [...args, '--server', url]);
  unheard.child.stderr.destroy();
  t.equal((await unheard.ended).code, 2);
});
