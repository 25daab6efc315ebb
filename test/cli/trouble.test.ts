import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';

import { openResults } from '../../src/cli/results.ts';
import { filesIn, folderOf, run, start } from './command.ts';

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
