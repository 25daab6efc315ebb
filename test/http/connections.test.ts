import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';

import { build, form, photo, recorder } from '../support/app.ts';
import { fakeEngine, timed, type FakeEngine } from '../support/fake-engine.ts';
import { gate } from '../support/gate.ts';
import { connectTo, ended, exchange, overTheWire } from '../support/raw.ts';

const painting = await form(['content', await photo()], ['styleId', 'mosaic'], ['format', 'png']);
const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

/** An application whose engine begins to paint, and waits until it is let go. */
async function paused(t: Test, overrides: Partial<FakeEngine> = {}) {
  const { open, opened } = gate();
  const { open: begin, opened: begun } = gate();
  const { lines, logger } = recorder();
  const paint: FakeEngine['paint'] = async ({ image }) => {
    begin();
    await opened;
    return timed(image);
  };
  const createEngine = fakeEngine({ paint, ...overrides });
  return { app: await build(t, {}, { createEngine, logger }), open, begun, lines };
}

t.test('a close waits until answers are read to their end', async (t) => {
  const app = await build(t, {}, { createEngine: fakeEngine() });
  const size = 30_000_000; // more than the buffers of both sides hold
  app.get('/large', (_request, reply) => reply.send(Buffer.alloc(size, 'x')));
  const { socket, received } = await connectTo(app);
  socket.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  socket.pause();
  const closed = app.close();
  await sleep(20);
  socket.resume();
  await ended(socket);
  await closed;
  t.equal(received().split('\r\n\r\n')[1]?.length, size);
});

t.test('a close ends at once what no answer is due on', async (t) => {
  const { app, open, begun } = await paused(t);
  const silent = await connectTo(app);
  const half = await connectTo(app);
  half.socket.write('GET /styles HTTP/1.1\r\nHos');
  const idle = await connectTo(app);
  idle.socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(idle.socket, 'data');
  const busy = await connectTo(app);
  busy.socket.write(overTheWire(painting));
  await begun;
  const closed = app.close();
  for (const { socket } of [silent, half, idle]) await ended(socket);
  t.equal(silent.received() + half.received(), '');
  t.equal(busy.received(), '');
  open();
  await ended(busy.socket);
  t.same(statuses(busy.received()), [200]);
  await closed;
});

t.test('a close waits for the rest of an upload that was refused', async (t) => {
  const app = await build(t, {}, { createEngine: fakeEngine() });
  const { socket, received } = await connectTo(app);
  socket.write('POST /nope HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345');
  await once(socket, 'data');
  const closed = app.close();
  await sleep(20);
  t.notOk(socket.readableEnded);
  socket.write('67890');
  await ended(socket);
  await closed;
  t.same(statuses(received()), [404]);
});

t.test('who ends its side behind a whole request gets the answer', async (t) => {
  const { app, open, begun, lines } = await paused(t);
  const { socket, received } = await connectTo(app);
  socket.end(overTheWire(painting));
  await begun;
  while (statuses(received()).length < 3) await sleep(5);
  open();
  await ended(socket);
  const came = statuses(received());
  t.equal(came.pop(), 200, 'behind the signs of life that ask for one');
  t.same(new Set(came), new Set([100]));
  while (!lines.some(({ msg }) => msg === 'request')) await sleep(5);
  t.match(lines.at(-1), { status: 200 });
});

t.test('so does one of HTTP/1.0, and two requests in a row', async (t) => {
  const app = await build(t, {}, { createEngine: fakeEngine() });
  for (const [requests, answers] of [
    ['GET /styles HTTP/1.0\r\n\r\n', [200]],
    ['GET /styles HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2), [200, 200]],
  ] as const) {
    const { socket, received } = await connectTo(app);
    socket.end(requests);
    await ended(socket);
    t.same(
      statuses(received()).filter((status) => status !== 100),
      answers,
    );
    t.ok(received().endsWith('"links":{}}'), 'whole');
  }
});

t.test('who ends its side and is gone is noticed', async (t) => {
  for (const version of ['1.1', '1.0']) {
    const { app, begun, open, lines } = await paused(t);
    const { socket } = await connectTo(app);
    socket.write(overTheWire(painting, version));
    await begun;
    socket.destroy(); // which sends the same as an end of one side
    while (!lines.some(({ msg }) => msg === 'request')) await sleep(5);
    t.match(lines.at(-1), { status: 499 }, version);
    open();
  }
});

t.test('stray bytes behind a request are refused behind its answer', async (t) => {
  for (const stray of ['garbage', '\r\n\r\nFOO / HTTP/1.1\r\n\r\n', '\0'.repeat(5)]) {
    const { app, begun, open, lines } = await paused(t);
    const { socket, received } = await connectTo(app);
    const get = 'GET /styles HTTP/1.1\r\nHost: a\r\n\r\n';
    socket.write(Buffer.concat([overTheWire(painting), Buffer.from(get + stray)]));
    await begun;
    await sleep(20);
    socket.write('more of it');
    await sleep(20);
    t.equal(received(), '');
    open();
    await ended(socket);
    t.same(statuses(received()), [200, 200, 400]);
    const [, problem = ''] = received().split('application/problem+json');
    t.match(problem, '"code":"malformed_request"');
    while (lines.filter(({ msg }) => msg === 'request').length < 3) await sleep(5);
    t.same(
      lines.filter(({ msg }) => msg === 'request').map(({ status }) => status),
      [200, 200, 400],
    );
  }
});

t.test('a body that breaks off behind its refusal does not cut it', async (t) => {
  const app = await build(t, {}, { createEngine: fakeEngine() });
  const head = 'POST /nope HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
  const { socket, received } = await connectTo(app);
  socket.write(head);
  await once(socket, 'data');
  socket.write('no size\r\n');
  await ended(socket);
  t.same(statuses(received()), [404]);
  t.match(await exchange(app, `${head}no size\r\n`), /^HTTP\/1\.1 40[04] /);
});
