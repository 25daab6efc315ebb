import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import sharp from 'sharp';
import t, { type Test } from 'tap';

import { ServiceError } from '../../src/errors.ts';
import { build, form, hurried, photo, recorder } from '../support/app.ts';
import { gate } from '../support/gate.ts';
import { fakeEngine, timed, type FakeEngine } from '../support/fake-engine.ts';

const { error, warn } = pino.levels.values as Record<'error' | 'warn', number>;
const content = await photo();
const style = await photo(48, 48, 3);

const withEngine = (t: Test, overrides: Partial<FakeEngine>, environment = {}) =>
  build(t, environment, { createEngine: fakeEngine(overrides) });

t.test('fifty requests with one new style describe it once', async (t) => {
  const { opened, open } = gate();
  let described = 0;
  const app = await withEngine(
    t,
    {
      describe: async () => {
        described++;
        await opened;
        return timed(new Float32Array(8));
      },
    },
    { ADAIN_MODELS_DIR: t.testdir({ styles: {} }) },
  );
  const request = await form(['content', content], ['style', style]);
  const replies = Array.from({ length: 50 }, () => app.inject(request));
  while (!(await app.inject('/metrics')).body.includes('result="joined"} 49')) await sleep(5);
  open();
  for (const reply of await Promise.all(replies)) t.equal(reply.statusCode, 200);
  t.equal(described, 1);
  const { body } = await app.inject('/metrics');
  t.match(body, 'adain_style_cache_requests_total{result="miss"} 1');
  t.match(body, 'adain_style_cache_entries 1');
});

t.test('a style whose description failed is tried again', async (t) => {
  let described = 0;
  const app = await withEngine(
    t,
    {
      describe: () => {
        if (++described === 1) return Promise.reject(new ServiceError('inference_failed', 'No.'));
        return Promise.resolve(timed(new Float32Array(8)));
      },
    },
    { ADAIN_MODELS_DIR: t.testdir({ styles: {} }) },
  );
  const request = await form(['content', content], ['style', style]);
  t.equal((await app.inject(request)).statusCode, 500);
  t.equal((await app.inject(request)).statusCode, 200);
  t.equal(described, 2);
});

/** Describes for ever, and tells when it begins and when it is given up. */
function unending() {
  const [begun, abandoned] = [gate(), gate()];
  const describe: FakeEngine['describe'] = (_image, options) => {
    options?.signal?.addEventListener('abort', abandoned.open);
    begun.open();
    return new Promise(() => undefined);
  };
  return { describe, begun: begun.opened, abandoned: abandoned.opened };
}

t.test('who goes away gives up the description it waits for', async (t) => {
  const { describe, begun, abandoned } = unending();
  const app = await withEngine(t, { describe }, { ADAIN_MODELS_DIR: t.testdir({ styles: {} }) });
  await leaveWhen(app, begun);
  await abandoned;
});

t.test('who has been answered keeps up no description', async (t) => {
  const known = await withEngine(t, {});
  const painted = await known.inject(await form(['content', content], ['style', style]));
  const id = String(painted.headers['style-id']);
  const { describe, begun, abandoned } = unending();
  const app = await withEngine(t, { describe }, { ADAIN_PRESETS: 'none' });
  const others = (async () => {
    await begun;
    t.equal((await app.inject(`/styles/${id}`)).statusCode, 200);
    const unknown = await form(['content', content], ['styleId', id], ['styleId', 'nope']);
    t.equal((await app.inject(unknown)).statusCode, 404);
  })();
  await leaveWhen(app, others);
  await abandoned;
});

/** Sends a request over a socket of its own, and goes away in the middle. */
async function leaveWhen(app: Awaited<ReturnType<typeof build>>, moment: Promise<void>) {
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
  const { payload, headers } = await form(['content', content], ['style', style]);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    `POST /stylize HTTP/1.1\r\nhost: a\r\ncontent-type: ${headers['content-type']}\r\ncontent-length: ${payload.length}\r\n\r\n`,
  );
  socket.write(payload);
  await moment;
  socket.destroy();
  await once(socket, 'close');
}

t.test('no decode outlives the answer of a request whose style is at fault', async (t) => {
  const app = await withEngine(t, {});
  const large = await photo(2000, 1500);
  const damaged = large.subarray(0, large.length - 400); // its header is whole
  for (const [field, code] of [
    [['styleId', 'nope'], 'unknown_style'],
    [['style', Buffer.from('rubbish')], 'unsupported_media_type'],
    [['style', damaged], 'undecodable_image'],
  ] as const) {
    const request = await form(['content', large], field);
    const replies = await Promise.all(Array.from({ length: 6 }, () => app.inject(request)));
    t.same(sharp.counters(), { queue: 0, process: 0 }, code);
    for (const reply of replies) t.match(reply.json(), { code });
  }
});

t.test('an overloaded engine: 503 with the time to come back', async (t) => {
  const app = await withEngine(t, {
    admit: () => {
      throw new ServiceError('overloaded', 'Too much.', { retryAfterSeconds: 2.2 });
    },
  });
  const reply = await app.inject(await form(['content', content], ['style', style]));
  t.equal(reply.statusCode, 503);
  t.equal(reply.headers['retry-after'], '3');
  t.match(reply.json(), { code: 'overloaded', detail: 'Too much.' });
});

t.test('where nobody is let in, the answer comes before the form', async (t) => {
  const app = await withEngine(t, {
    assertOpen: () => {
      throw new ServiceError('overloaded', 'Full.', { retryAfterSeconds: 7 });
    },
  });
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    'POST /stylize HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 1000000\r\nexpect: 100-continue\r\n\r\n',
  );
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  t.match(answer, /^HTTP\/1\.1 503 /, 'no 100 Continue');
  t.match(answer, /retry-after: 7\r\n/);
});

t.test('who asks before sending a form is told to send it', async (t) => {
  const app = await withEngine(t, {});
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
  const socket = connect(Number(port), '127.0.0.1');
  const { payload, headers } = await form(['content', content], ['style', style]);
  socket.write(
    `POST /stylize HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: ${headers['content-type']}\r\ncontent-length: ${payload.length}\r\nexpect: 100-continue\r\n\r\n`,
  );
  const [first] = (await once(socket, 'data')) as [Buffer];
  t.match(String(first), /^HTTP\/1\.1 100 Continue\r\n/);
  socket.write(payload);
  const [second] = (await once(socket, 'data')) as [Buffer];
  t.match(second.toString('latin1'), /^HTTP\/1\.1 200 /);
  socket.destroy();
});

t.test('connections beyond the limit are closed, counted and logged', async (t) => {
  const { lines, logger } = recorder();
  const app = await build(
    t,
    { ADAIN_MAX_CONNECTIONS: '2' },
    { createEngine: fakeEngine(), logger },
  );
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
  const sockets = [1, 2, 3, 4].map(() => connect(Number(port), '127.0.0.1'));
  for (const socket of sockets) socket.on('error', () => undefined);
  await Promise.all(sockets.slice(2).map((socket) => once(socket, 'close')));
  const warning = () => lines.find(({ dropped }) => dropped !== undefined);
  while (!warning()) await sleep(5);
  t.match(warning(), { level: warn, dropped: 2, maxConnections: 2 });
  t.match((await app.inject('/metrics')).body, 'adain_dropped_connections_total 2');
  for (const socket of sockets) socket.destroy();
});

t.test('a refusal costs no decoding, and what cannot be decoded is not painted', async (t) => {
  const damaged = content.subarray(0, content.length - 40); // its header is whole
  const request = await form(['content', damaged], ['style', style]);
  const overloaded = await withEngine(t, {
    admit: () => {
      throw new ServiceError('overloaded', 'Too much.');
    },
  });
  t.match((await overloaded.inject(request)).json(), { code: 'overloaded' });

  const app = await withEngine(t, { paint: () => t.fail('decoded') as never });
  t.match((await app.inject(request)).json(), { code: 'undecodable_image' });
});

t.test(
  'the engine is given less time than the client, so that the answer can be encoded',
  async (t) => {
    const times: number[] = [];
    const now = performance.now();
    const app = await withEngine(t, {
      admit: (_request, { deadline = NaN }) => {
        times.push(deadline - now);
      },
    });
    t.intercept(performance, 'now', { value: () => now }); // no time passes on a busy machine either
    for (const format of ['jpeg', 'avif']) {
      const request = await form(['content', content], ['style', style], ['format', format]);
      const headers = { ...request.headers, 'request-timeout': '20' };
      t.equal((await app.inject({ ...request, headers })).statusCode, 200);
    }
    const [jpeg = NaN, avif = NaN] = times;
    t.ok(avif < 20_000 && avif < jpeg, 'least for the slowest format');
  },
);

t.test('an engine that fails: 500 without its secrets, the cause in the log', async (t) => {
  const cause = new Error('secret: bad address');
  const { reply, lines } = await logged(t, { paint: () => Promise.reject(cause) });
  t.equal(reply.statusCode, 500);
  t.notMatch(reply.body, 'secret');
  t.match(lines, [{ level: error, status: 500, err: { stack: 'secret: bad address' } }]);
  const { instance, detail } = reply.json<{ instance: string; detail: string }>();
  t.equal(instance, `urn:adain-server:request:${String(lines[0]?.['reqId'])}`);
  t.match(detail, 'Report it with this instance');
});

t.test('what is turned away or too late is a warning without a stack', async (t) => {
  for (const [code, status] of [
    ['overloaded', 503],
    ['deadline_exceeded', 504],
  ] as const) {
    const { reply, lines } = await logged(t, {
      admit: () => {
        throw new ServiceError(code, 'Not now.');
      },
    });
    t.equal(reply.statusCode, status);
    t.match(lines, [{ level: warn, status, err: undefined }]);
  }
});

/** The answer of an engine that behaves so, and the log lines of the request as objects. */
async function logged(t: Test, behavior: Partial<FakeEngine>) {
  const { lines, logger } = recorder();
  const app = await build(t, {}, { createEngine: fakeEngine(behavior), logger });
  lines.length = 0;
  const reply = await app.inject(await form(['content', content], ['style', style]));
  return { reply, lines };
}

t.test('a deadline that passes: 504, and the engine is told', async (t) => {
  let signal: AbortSignal | undefined;
  const app = await withEngine(t, {
    admit: (_request, options) => {
      signal = options.signal;
    },
    paint: () => new Promise(() => undefined),
  });
  const request = await form(['content', content], ['style', style]);
  const { reply, ms } = await hurried(app, request, () => signal !== undefined);
  t.match(reply.json(), { status: 504, code: 'deadline_exceeded', detail: `${ms} ms` });
  t.ok(signal?.aborted);
});

t.test('a 504 says whose limit it was, and the size that would have fitted', async (t) => {
  const admit = () => {
    throw new ServiceError('deadline_exceeded', 'Too slow.');
  };
  const perPixel = (ms: number): Partial<FakeEngine> => ({
    boundMs: ({ size, newStyles = [] }) => (ms * size.width + newStyles.length) * size.height,
  });
  const service = 'the 60000 ms that this service allows';
  const client = 'the 10000 ms that the Request-Timeout header allows';
  for (const [engine, time, said] of [
    [{ admit, ...perPixel(1) }, '10', [client, /size=\d+, which fits, or allow more time\.$/]],
    [{ admit, ...perPixel(1) }, '90', [service, /size=\d+, which fits\.$/]],
    [{ admit, ...perPixel(1e6) }, '90', [service, /a smaller size\.$/]],
    [{ admit, ...perPixel(0) }, '90', [service, /a smaller size\.$/]],
    [{ assertOpen: admit }, '10', [client, /a smaller size, or allow more time\.$/]],
  ] as const) {
    const app = await withEngine(t, engine);
    const request = await form(['content', await photo(400, 300)], ['styleId', 'mosaic']);
    const headers = { ...request.headers, 'request-timeout': time };
    const reply = await app.inject({ ...request, headers });
    t.match(reply.json(), { status: 504, code: 'deadline_exceeded' });
    for (const part of said) t.match(reply.json<{ detail: string }>().detail, part);
  }

  const neverDone: Partial<FakeEngine> = { paint: () => new Promise(() => undefined) };
  const app = await withEngine(t, { ...neverDone, ...perPixel(0.2) });
  const request = await form(['content', await photo(400, 300)], ['styleId', 'mosaic']);
  const fitting = /size=\d+, which fits/;
  const { reply, ms } = await hurried(app, request, ({ body }) => fitting.test(body));
  t.match(reply.json(), { status: 504, code: 'deadline_exceeded', detail: fitting });
  t.match(reply.body, `the ${ms} ms that the`);
});

t.test('a client that goes away: its work is dropped, and counted as 499', async (t) => {
  const reached = gate();
  const dropped = gate();
  const app = await withEngine(t, {
    admit: (_request, { signal }) => {
      reached.open();
      signal?.addEventListener('abort', dropped.open);
    },
    paint: () => new Promise(() => undefined),
  });
  await leaveWhen(app, reached.opened);
  await dropped.opened;
  t.match(
    (await app.inject('/metrics')).body,
    'adain_requests_total{route="/stylize",status="499"} 1',
  );
});

/** Expects a 503 that says when to come back. */
async function unavailable(
  t: Test,
  app: Awaited<ReturnType<typeof build>>,
  path: string,
  problem: { code: string; detail: RegExp },
) {
  const reply = await app.inject(path);
  t.match(reply.json(), { status: 503, ...problem });
  t.equal(reply.headers['retry-after'], '1');
}

t.test('ready and live follow the engine', async (t) => {
  const state = { ready: true, live: true };
  const app = await build(
    t,
    {},
    {
      createEngine: async (options) =>
        Object.defineProperties(await fakeEngine()(options), {
          ready: { get: () => state.ready },
          live: { get: () => state.live },
        }),
    },
  );
  t.equal((await app.inject('/readyz')).statusCode, 200);
  t.equal((await app.inject('/livez')).statusCode, 200);
  state.ready = false;
  await unavailable(t, app, '/readyz', { code: 'not_ready', detail: /another instance/ });
  state.live = false;
  await unavailable(t, app, '/livez', { code: 'not_ready', detail: /Restart it/ });
});

t.test('once closing is announced, ready says no and requests are still served', async (t) => {
  const app = await withEngine(t, {});
  app.announceClosing();
  await unavailable(t, app, '/readyz', { code: 'closing', detail: /another instance/ });
  const reply = await app.inject(await form(['content', content], ['style', style]));
  t.equal(reply.statusCode, 200);
});
