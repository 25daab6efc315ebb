import { once } from 'node:events';
import type { Socket } from 'node:net';
import t from 'tap';

import { build, form, photo } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';
import { connectTo, ended, exchange, overTheWire } from '../support/raw.ts';

const app = await build(t, {}, { createEngine: fakeEngine() });

function problemIn(answer: string): Record<string, unknown> {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  t.match(head, /\r\ncontent-type: application\/problem\+json/i);
  t.match(head, /\r\nx-content-type-options: nosniff/i);
  return JSON.parse(body) as Record<string, unknown>;
}

t.test('a request has one Host, and that is one', async (t) => {
  for (const hosts of [
    [],
    ['a', 'a'],
    ['a', 'b'],
    ['a b'],
    ['a/b'],
    ['user@a'],
    ['a:80:80'],
    ['[::1'],
    ['http://a'],
    ['a,b c'],
  ]) {
    const lines = hosts.map((host) => `Host: ${host}\r\n`).join('');
    const answer = await exchange(app, `GET /livez HTTP/1.1\r\n${lines}\r\n`);
    const code = 'malformed_request';
    t.match(problemIn(answer), { status: 400, code, field: 'Host' }, JSON.stringify(hosts));
  }
  for (const host of ['a', 'a:80', '127.0.0.1', '[::1]:8080', 'my_service', 'a%20b', '', 'a:']) {
    const get = `GET /livez HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    t.match(await exchange(app, get), /^HTTP\/1.1 200 /, host);
  }
  t.match(await exchange(app, 'GET /livez HTTP/1.0\r\n\r\n'), /^HTTP\/1.1 200 /);
  const two = 'GET /livez HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n';
  t.match(problemIn(await exchange(app, two)), { status: 400 });
});

t.test('an address may be absolute', async (t) => {
  const get = 'GET http://a/livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  t.match(await exchange(app, get), /^HTTP\/1.1 200 /);
});

t.test('an expectation that cannot be met is told, and one of HTTP/1.0 passed over', async (t) => {
  const post = (expect: string, version: string) =>
    `POST /stylize HTTP/${version}\r\nHost: a\r\nContent-Length: 5\r\nExpect: ${expect}\r\n\r\n`;
  for (const expect of ['202-accepted', '100-continue, more']) {
    const problem = problemIn(await exchange(app, post(expect, '1.1')));
    t.match(problem, { status: 417, code: 'expectation_failed', field: 'Expect' });
  }
  t.match(await exchange(app, `${post('more', '1.0')}12345`), /^HTTP\/1.1 415 /);
});

t.test('a form that does not come in time is 408, and its limit named', async (t) => {
  const request = overTheWire(await form(['content', await photo()], ['styleId', 'mosaic']));
  const start = request.subarray(0, request.length - 500);
  const impatient = Buffer.from(
    start.toString('latin1').replace('host: a', 'host: a\r\nrequest-timeout: 0.2'),
    'latin1',
  );
  const strict = await build(
    t,
    { ADAIN_REQUEST_TIMEOUT_MS: '200' },
    { createEngine: fakeEngine() },
  );
  for (const [to, sent, limit] of [
    [app, impatient, 'within the 200 ms that the Request-Timeout header allows'],
    [strict, start, 'within the 200 ms that this service allows'],
  ] as const) {
    const { socket, received } = await connectTo(to);
    socket.write(sent);
    while (!received().endsWith('}')) await once(socket, 'data');
    socket.destroy();
    const problem = problemIn(received());
    t.match(problem, { status: 408, code: 'request_timeout', detail: limit });
  }
});

t.test('so is a head, which Node gives up', async (t) => {
  const accepted = once(app.server, 'connection') as Promise<[Socket]>;
  const { socket, received } = await connectTo(app);
  socket.write('GET /livez HTTP/1.1\r\nHos');
  const [theirs] = await accepted;
  // As it does every 30 s with those whose time is up.
  const late = Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
  app.server.emit('clientError', late, theirs);
  await ended(socket);
  t.match(problemIn(received()), { status: 408, code: 'request_timeout' });
});

t.test('OPTIONS tells what a path takes, and the service', async (t) => {
  for (const [path, status, allow] of [
    ['/stylize', 204, 'POST, OPTIONS'],
    ['/styles/mosaic/', 204, 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS'],
    ['*', 204, 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'],
    ['/paint', 404, undefined],
  ] as const) {
    const answer = await exchange(
      app,
      `OPTIONS ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    t.match(answer, `HTTP/1.1 ${status} `, path);
    t.equal(/\r\nallow: (.*)\r\n/.exec(answer)?.[1], allow);
  }
});
