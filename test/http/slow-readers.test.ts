import { fastify } from 'fastify';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';

import { requestLog } from '../../src/http/request-log.ts';
import { slowReaders } from '../../src/http/slow-readers.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { recorder } from '../support/app.ts';

/** Far more than the kernel keeps for a connection. */
const answer = Buffer.alloc(64 * 2 ** 20, 1);

async function serve(t: Test, limits: { stallMs: number; slowest?: number }) {
  const metrics = createMetrics();
  const { lines, logger } = recorder();
  const app = fastify({ loggerInstance: logger });
  t.teardown(() => app.close());
  await app.register(requestLog, { metrics });
  await app.register(slowReaders, { metrics, ...limits });
  app.get('/', () => answer);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  const line = async () => {
    for (;;) {
      const found = lines.find(({ msg }) => msg === 'request');
      if (found) return found;
      await sleep(5);
    }
  };
  const count = async () => metrics.registry.getSingleMetricAsString('adain_rejections_total');
  return { socket, line, count };
}

t.test('who reads nothing is cut off, with a line and a count', async (t) => {
  const { socket, line, count } = await serve(t, { stallMs: 100 });
  socket.pause();
  t.match(await line(), { status: 499, code: 'client_stalled', detail: /within 100 ms/ });
  t.match(await count(), 'adain_rejections_total{reason="client_stalled"} 1');
});

t.test('who trickles is cut off too', async (t) => {
  const { socket, line } = await serve(t, { stallMs: 2000, slowest: answer.length / 100 });
  const trickle = setInterval(() => {
    socket.read(65_536);
  }, 50);
  t.teardown(() => {
    clearInterval(trickle);
  });
  t.match(await line(), { status: 499, code: 'client_stalled', detail: /within 2100 ms/ });
});

t.test('who reads slowly but steadily gets all of it', async (t) => {
  const { socket, line } = await serve(t, { stallMs: 60_000, slowest: answer.length / 600_000 });
  let bytes = 0;
  while (bytes < answer.length) {
    const chunk = socket.read() as Buffer | null;
    if (chunk) bytes += chunk.length;
    else await once(socket, 'readable');
    await sleep(1);
  }
  t.match(await line(), { status: 200 });
});

t.test('the next request of a connection is not cut for the time that it takes', async (t) => {
  const metrics = createMetrics();
  const app = fastify();
  t.teardown(() => app.close());
  await app.register(requestLog, { metrics });
  await app.register(slowReaders, { metrics, stallMs: 100 });
  app.get('/quick', () => 'quick');
  app.get('/slow', () => sleep(500, 'slow'));
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: a\r\n${more}\r\n`;
  socket.write(get('/quick') + get('/slow', 'connection: close\r\n'));
  const answer = await text(socket);
  t.match(answer, /quick[^]*slow$/);
});

t.test('an answer leaves no timer behind, with a body or without', async (t) => {
  const app = fastify();
  t.teardown(() => app.close());
  await app.register(slowReaders, { metrics: createMetrics() });
  app.get('/', () => 'body');
  app.get('/empty', (_request, reply) => reply.code(204).send());
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  for (const [method, url] of [
    ['GET', '/'],
    ['HEAD', '/'],
    ['GET', '/empty'],
  ] as const) {
    await app.inject({ method, url });
    t.equal(timers(), before, `${method} ${url}, injected`);
    const socket = connect(port, '127.0.0.1');
    socket.write(`${method} ${url} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
    t.match(await text(socket), /^HTTP\/1\.1 20[04] /);
    t.equal(timers(), before, `${method} ${url}, over a connection`);
  }
});
