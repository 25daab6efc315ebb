import { execFile } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import sharp from 'sharp';
import t from 'tap';

import { createClient, ProblemError, type Progress } from '../../src/client/index.ts';
import { root } from '../docker/files.ts';
import { build, photo } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';

const app = await build(t, {}, { createEngine: fakeEngine() });
const url = await app.listen({ port: 0, host: '127.0.0.1' });
const content = new Blob([new Uint8Array(await photo())]);
const style = new Blob([new Uint8Array(await photo(64, 64, 5))]);
const client = createClient(url);

/** Answers in their order, and what was asked for. */
function answering(...answers: (() => Response | Promise<Response>)[]) {
  const asked: Request[] = [];
  const fetch = (async (address: string, init: RequestInit) => {
    asked.push(new Request(address, init));
    const answer = answers.shift();
    if (!answer) throw new Error('one request too many');
    return answer();
  }) as typeof globalThis.fetch;
  return { asked, client: createClient('http://a/b/', { fetch }) };
}
const later =
  (status: number, after?: string, code = 'overloaded') =>
  () => {
    const headers = new Headers({ 'content-type': 'application/problem+json' });
    if (after !== undefined) headers.set('retry-after', after);
    const problem = { title: 'Overloaded', status, detail: 'Come back.', code };
    return new Response(JSON.stringify(problem), { status, headers });
  };
const painted = () =>
  new Response('picture', {
    headers: {
      'content-type': 'image/webp',
      'style-id': 'a, b',
      'server-timing': 'x;desc=hit;dur=1.5, total;dur=2',
    },
  });

t.test('its types are those of openapi.yaml (if not: npm run openapi)', async (t) => {
  const args = ['openapi.yaml', '--output', 'src/client/api.ts', '--check'];
  const check = promisify(execFile)(root('node_modules/.bin/openapi-typescript'), args, {
    cwd: root(''),
  });
  await t.resolves(check);
});

t.test(
  'a painting: styles of both kinds in one list, lists, and what the answer tells',
  async (t) => {
    const { picture, styleIds, timings } = await client.stylize({
      ...{ content, styles: ['mosaic', style], weights: [3, 1], alpha: [1, 0.5] },
      ...{ size: 32, format: 'png', mask: [content] },
    });
    t.match(await sharp(await picture.arrayBuffer()).metadata(), { format: 'png', width: 32 });
    t.equal(picture.type, 'image/png');
    t.match(styleIds, ['mosaic', /^sha256-/]);
    t.ok((timings['total'] ?? 0) > 0);
  },
);

t.test('all styles, over as many pages as there are', async (t) => {
  const ids = async (limit: number) => {
    const all: string[] = [];
    for await (const { id } of client.styles({ limit })) all.push(id);
    return all;
  };
  t.same(await ids(5), await ids(1000));
  t.ok((await ids(5)).length > 5);
});

t.test('a style is registered, painted in and deleted', async (t) => {
  const { id } = await client.registerStyle({ image: style, name: 'Mine' });
  t.same((await client.stylize({ content, styles: [id], size: 32 })).styleIds, [id]);
  await client.deleteStyle(id);
  const gone = client.deleteStyle(id);
  await t.rejects(gone, { name: 'ProblemError', problem: { status: 404 } });
  t.match(await client.registerStyle({ image: style, id: 'my-own' }), { id: 'my-own' });
  t.match(await client.model(), { provider: 'cpu' });
});

t.test('a refusal is thrown with its problem', async (t) => {
  const refused = client.stylize({ content, styles: ['mosaic'], alpha: 7 });
  await t.rejects(refused, {
    name: 'ProblemError',
    problem: { code: 'invalid_value', field: 'alpha', status: 400 },
  });
  const { client: behind } = answering(
    () => new Response('<html>', { status: 413, statusText: 'Too Large' }),
  );
  const error = await behind.model().catch((thrown: unknown) => thrown);
  t.ok(error instanceof ProblemError);
  t.match(error, { message: 'The server answered 413 Too Large.', problem: { status: 413 } });
});

t.test('of an answer that is no problem nothing stays open', async (t) => {
  let isCancelled = false;
  const page = new ReadableStream({
    cancel() {
      isCancelled = true;
    },
  });
  const { client } = answering(() => new Response(page, { status: 404, statusText: 'Not Found' }));
  await t.rejects(client.stylize({ content, styles: ['mosaic'] }), /answered 404 Not Found/);
  t.ok(isCancelled);
});

t.test('it waits for as long as Retry-After says, and tells of it', async (t) => {
  const { asked, client } = answering(later(503, '0.01'), later(429, '0.01'), painted);
  const told: Progress[] = [];
  const onProgress = (progress: Progress) => void told.push(progress);
  const { picture, ...rest } = await client.stylize({ content, styles: ['a'] }, { onProgress });
  t.same(rest, { styleIds: ['a', 'b'], timings: { x: 1.5, total: 2 } });
  t.match(picture, { size: 7, type: 'image/webp' });
  t.match(told, [
    { phase: 'sending', attempt: 1 },
    { phase: 'waiting', seconds: 0.01, problem: { code: 'overloaded' } },
    { phase: 'sending', attempt: 2 },
    { phase: 'waiting', problem: { status: 429 } },
    { phase: 'sending', attempt: 3 },
    { phase: 'receiving', bytes: 7 },
  ]);
  const [first, , last] = asked;
  t.equal(first?.url, 'http://a/b/stylize');
  t.match(await last?.text(), /name="styleId"\s+a\s/, 'the form is sent again');
  const seconds = Number(first?.headers.get('request-timeout'));
  t.ok(seconds > 50 && seconds <= 60, 'the service is told the deadline');
});

t.test('who does not answer is asked again; a mistake of the caller is not', async (t) => {
  const lost = () => Promise.reject(new TypeError('fetch failed'));
  const { asked, client } = answering(lost, painted);
  await client.stylize({ content, styles: ['a'] });
  t.equal(asked.length, 2);
  const { client: wrong } = answering(later(400));
  await t.rejects(wrong.model(), { name: 'ProblemError', problem: { status: 400 } });
});

t.test('what is not there was deleted, if an earlier try may have done it', async (t) => {
  const lost = () => Promise.reject(new TypeError('fetch failed'));
  const broken = () => {
    const body = new ReadableStream({
      start: (controller) => {
        controller.error(new TypeError('terminated'));
      },
    });
    return new Response(body);
  };
  const away = later(503, '0.01', 'store_unavailable');
  for (const open of [lost, broken, later(502, '0.01'), away]) {
    const { asked, client } = answering(open, later(503, '0.01'), later(404));
    await t.resolves(client.deleteStyle('a'));
    t.equal(asked.length, 3);
  }
  const missing = { name: 'ProblemError', problem: { status: 404 } };
  const { client: first } = answering(later(404));
  await t.rejects(first.deleteStyle('a'), missing, 'at once');
  const { client: refused } = answering(later(503, '0.01'), later(404));
  await t.rejects(refused.deleteStyle('a'), missing, 'of what was refused before');
  const { client: other } = answering(lost, later(404));
  await t.rejects(other.registerStyle({ id: 'a', image: content }), missing, 'of another method');
});

t.test('it does not wait for what comes after the deadline', async (t) => {
  const { asked, client } = answering(later(503, '100'));
  const told = { name: 'ProblemError', problem: { status: 503 }, retryAfter: 100 };
  await t.rejects(client.model(), told);
  t.equal(asked.length, 1);
  const date = new Date(Date.now() + 3_600_000).toUTCString();
  const { client: dated } = answering(later(503, date));
  await t.rejects(dated.model(), { name: 'ProblemError', problem: { status: 503 } }, 'as a date');
  const hanging = createClient('http://a', { fetch: hang });
  await t.rejects(hanging.model({ deadlineMs: 10 }), { name: 'TimeoutError' });
});

t.test('the answer that the deadline has passed still arrives', async (t) => {
  const fetch = (async (_address: string, { headers, signal }: RequestInit) => {
    const seconds = Number(new Headers(headers).get('request-timeout'));
    await setTimeout(1000 * seconds + 50, undefined, { signal: signal ?? undefined });
    return later(504)();
  }) as typeof globalThis.fetch;
  const call = createClient('http://a', { fetch }).model({ deadlineMs: 20 });
  await t.rejects(call, { name: 'ProblemError', problem: { status: 504 } });
});

t.test('it does not ask again after as long as fetch ever waits', async (t) => {
  for (const code of ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']) {
    const cause = Object.assign(new Error('Timeout'), { code });
    const { asked, client } = answering(() => Promise.reject(new TypeError('fetch', { cause })));
    await t.rejects(client.model(), { name: 'TimeoutError', message: new RegExp(code) });
    t.equal(asked.length, 1);
  }
});

const hang = ((_address: string, { signal }: RequestInit) =>
  new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  })) as typeof globalThis.fetch;

t.test('a signal ends it, while it is sent and while it waits', async (t) => {
  const reason = new Error('enough');
  const during = new AbortController();
  const call = createClient('http://a', { fetch: hang }).model({ signal: during.signal });
  during.abort(reason);
  await t.rejects(call, reason);

  const waiting = new AbortController();
  const { asked, client } = answering(later(503, '50'));
  const onProgress = ({ phase }: Progress) => {
    if (phase === 'waiting')
      setImmediate(() => {
        waiting.abort(reason);
      });
  };
  await t.rejects(client.model({ signal: waiting.signal, onProgress }), reason);
  t.equal(asked.length, 1);

  const told = new AbortController();
  const ended = answering(later(503, '50')).client.model({
    signal: told.signal,
    onProgress({ phase }) {
      if (phase === 'waiting') told.abort(reason);
    },
  });
  await t.rejects(ended, reason, 'at once, by who is told of the wait');
});

t.test('package.json exports it', async (t) => {
  const name = 'adain-server';
  const exported = (await import(name)) as { createClient: typeof createClient };
  t.match(await exported.createClient(url).model(), { provider: 'cpu' });
});
