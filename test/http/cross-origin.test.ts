import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';

import { build, form, photo } from '../support/app.ts';
import { newPage, skip } from '../support/chromium.ts';
import { fakeEngine } from '../support/fake-engine.ts';
import { exchange } from '../support/raw.ts';

const parts = { createEngine: fakeEngine() };
const origin = 'https://app.example.org';
const exposed = 'Style-Id, Server-Timing, Retry-After, X-Request-Id, Location, ETag, Model-Digest';

t.test('without ADAIN_CORS_ORIGINS no page of another origin is let in', async (t) => {
  const app = await build(t, {}, parts);
  const { headers } = await app.inject({ url: '/styles', headers: { origin } });
  t.notMatch(Object.keys(headers).join(), 'access-control');
  t.equal(headers.vary, undefined);
});

t.test('those that are named are, for answers and refusals; others are not', async (t) => {
  const app = await build(t, { ADAIN_CORS_ORIGINS: `${origin},http://localhost:1` }, parts);
  const painting = await form(['content', await photo()], ['styleId', 'mosaic']);
  for (const [request, vary] of [
    [{ url: '/styles' }, 'Origin'],
    [{ url: '/nope' }, 'Origin'],
    [{ url: '/livez', method: 'POST' as const }, 'Origin'],
    [{ url: '/livez', headers: { 'request-timeout': 'soon' } }, 'Origin'],
    [painting, 'Origin, accept'],
  ] as const) {
    const headers = { ...('headers' in request ? request.headers : {}), origin };
    const known = await app.inject({ ...request, headers });
    t.equal(known.headers['access-control-allow-origin'], origin, request.url);
    t.equal(known.headers['access-control-expose-headers'], exposed);
    t.equal(known.headers.vary, vary);
    const other = { ...headers, origin: 'https://other.example.org' };
    const unknown = await app.inject({ ...request, headers: other });
    t.equal(unknown.headers['access-control-allow-origin'], undefined);
    t.equal(unknown.statusCode, known.statusCode);
  }
  t.equal((await app.inject('/nope')).statusCode, 404);
  t.equal(
    (await app.inject({ url: '/livez', method: 'DELETE' })).headers.allow,
    'GET, HEAD, OPTIONS',
  );
});

t.test('a preflight is answered, and OPTIONS that is none tells Allow', async (t) => {
  const app = await build(t, { ADAIN_CORS_ORIGINS: '*' }, parts);
  const options = (path: string, ...lines: string[]) => {
    const head = [`OPTIONS ${path} HTTP/1.1`, 'Host: a', 'Connection: close', ...lines];
    return exchange(app, `${head.join('\r\n')}\r\n\r\n`);
  };
  const asked = ['Access-Control-Request-Method: POST', 'Access-Control-Request-Headers: x-a'];
  const preflight = await options('/stylize', `Origin: ${origin}`, ...asked);
  t.match(preflight, /^HTTP\/1.1 204 /);
  t.match(preflight, /access-control-allow-origin: \*\r\n/);
  t.match(preflight, /access-control-allow-methods: .*POST/);
  t.match(preflight, /access-control-allow-headers: x-a\r\n/);
  const plain = await options('/stylize');
  t.match(plain, /^HTTP\/1.1 204 /);
  t.match(plain, /allow: POST, OPTIONS\r\n/);
  t.match(await options('/nope'), /^HTTP\/1.1 404 /);
});

t.test('a page of another origin, in Chromium', { skip }, async (t) => {
  const elsewhere = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>elsewhere</title>');
  }).listen(0, '127.0.0.1');
  t.teardown(() => elsewhere.close());
  await once(elsewhere, 'listening');
  const { port } = elsewhere.address() as AddressInfo;
  const page = await newPage(t);
  await page.goto(`http://127.0.0.1:${port}/`);

  const picture = (await photo()).toString('base64');
  /** What a script of the page gets to see of a service that lets these origins in. */
  const paint = async (allowed: string, styleId: string) => {
    const app = await build(t, allowed ? { ADAIN_CORS_ORIGINS: allowed } : {}, parts);
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    return page.evaluate(
      async ([url, picture = '', styleId = '']) => {
        const bytes = Uint8Array.from(atob(picture), (character) => character.charCodeAt(0));
        const form = new FormData();
        form.append('content', new Blob([bytes]), 'photo.png');
        form.append('styleId', styleId);
        const headers = { 'request-timeout': '30' }; // for which the browser asks first
        try {
          const reply = await fetch(`${url}/stylize`, { method: 'POST', body: form, headers });
          const seen = ['style-id', 'server-timing', 'x-request-id'].filter((name) =>
            reply.headers.has(name),
          );
          return { status: reply.status, seen, bytes: (await reply.blob()).size };
        } catch (error) {
          return String(error);
        }
      },
      [url, picture, styleId],
    );
  };
  const here = `http://127.0.0.1:${port}`;
  const seen = ['style-id', 'server-timing', 'x-request-id'];
  t.match(await paint(here, 'mosaic'), { status: 200, seen, bytes: Number });
  t.match(await paint(`https://a.example.org,${here}`, 'mosaic'), { status: 200, seen });
  t.match(await paint('*', 'nope'), { status: 404, seen: ['x-request-id'] });
  for (const others of ['https://other.example.org', '']) {
    t.equal(await paint(others, 'mosaic'), 'TypeError: Failed to fetch');
  }
});
