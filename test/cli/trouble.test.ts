import { once } from 'node:events';
import { appendFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';

import { filesIn, folderOf, run } from './command.ts';

const style = ['--style', 'mosaic'];

/** A server that greets, and answers paintings so. */
async function answering(t: Test, answer: RequestListener): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (request.url === '/model') response.end('{}');
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
