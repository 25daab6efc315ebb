import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';

import { build, form, photo, recorder, type Field } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';

const app = await build(
  t,
  { ADAIN_MAX_UPLOAD_BYTES: '100000', ADAIN_MAX_PIXELS: '20000' },
  { createEngine: fakeEngine() },
);
const content = await photo();
const style = await photo(48, 48, 3);

interface Problem {
  status: number;
  code: string;
  field?: string;
  detail: string;
  title: string;
  type: string;
  instance: string;
}

const idOf = ({ instance }: Problem) => /^urn:adain-server:request:(.*)$/.exec(instance)?.[1];

/** An application that listens, and the log lines that it writes from now on. */
async function logging(t: Test) {
  const { lines, logger } = recorder();
  const app = await build(t, {}, { createEngine: fakeEngine(), logger });
  await app.listen({ port: 0, host: '127.0.0.1' });
  lines.length = 0;
  return { app, lines };
}

/** Sends bytes as they are, and waits for the answer and the end of the connection. */
async function exchange(app: Awaited<ReturnType<typeof build>>, sent: string) {
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  socket.write(sent);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  return { head, problem: JSON.parse(body) as Problem };
}

const both = [
  ['content', content],
  ['style', style],
] as const;

t.test('a declared size over the limit is refused before it is read', async (t) => {
  const request = await form(...both);
  const headers = { ...request.headers, 'content-length': '900000000' };
  const reply = await app.inject({ ...request, headers });
  t.equal(reply.statusCode, 413);
});

t.test('a body that is no form is refused unread, well made or not', async (t) => {
  for (const [type, payload] of [
    ['application/json', '{}'],
    ['application/json', '{"content": '],
    ['application/json', JSON.stringify('x'.repeat(3_000_000))],
    ['text/plain', 'x'.repeat(3_000_000)],
    ['application/x-www-form-urlencoded', 'styleId=mosaic'],
    ['multipart/mixed; boundary=x', '--x--'],
    [undefined, '{}'],
  ] as const) {
    const headers = type === undefined ? {} : { 'content-type': type };
    const reply = await app.inject({ method: 'POST', url: '/stylize', headers, payload });
    t.match(reply.json<Problem>(), { status: 415, code: 'unsupported_media_type' }, String(type));
    t.match(reply.json<Problem>().detail, /multipart\/form-data.*curl -F/);
  }
});

t.test('a form that breaks off', async (t) => {
  const request = await form(...both);
  const reply = await app.inject({ ...request, payload: request.payload.subarray(0, -200) });
  t.match(reply.json<Problem>(), { status: 400, code: 'malformed_form' });
});

t.test('a boundary that cannot be the form’s', async (t) => {
  const request = await form(...both);
  const long = 'x'.repeat(5000);
  for (const [boundary, payload] of [
    [
      long,
      Buffer.from(request.payload.toString('latin1').replaceAll(/-{6}[\w-]+?\d+/g, long), 'latin1'),
    ],
    ['other', request.payload],
    ['other', Buffer.from('{"content": "photo.jpg"}')],
    ['é', request.payload],
  ] as const) {
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    const problem = (await app.inject({ ...request, headers, payload })).json<Problem>();
    t.match(problem, { status: 400, code: 'malformed_form', field: 'Content-Type' }, boundary);
    t.match(problem.detail, /boundary.* Do not set this header yourself/);
  }
});

t.test('a form without a boundary', async (t) => {
  const request = await form(...both);
  for (const type of ['multipart/form-data', 'multipart/form-data; boundary=']) {
    const reply = await app.inject({ ...request, headers: { 'content-type': type } });
    const problem = reply.json<Problem>();
    t.match(problem, { status: 400, code: 'malformed_form', field: 'Content-Type' });
    t.match(problem.detail, /no boundary.*HTTP client/);
  }
});

t.test('a field named like a property of objects', async (t) => {
  for (const value of ['1', content]) {
    for (const name of ['__proto__', 'constructor']) {
      const reply = await app.inject(await form(...both, [name, value]));
      t.match(reply.json<Problem>(), { status: 400, code: 'malformed_form' });
      t.match(reply.json<Problem>().detail, /such as constructor or __proto__. Leave it out/);
    }
  }
});

t.test('a part without a name', async (t) => {
  for (const named of ['', '; name=""', '; filename="photo.png"']) {
    const reply = await app.inject({
      method: 'POST',
      url: '/stylize',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      payload: `--x\r\nContent-Disposition: form-data${named}\r\n\r\n1\r\n--x--\r\n`,
    });
    t.match(reply.json<Problem>(), { status: 400, code: 'malformed_form' });
    t.match(reply.json<Problem>().detail, /no name.*name="content"/);
  }
});

t.test('nothing acceptable', async (t) => {
  const request = await form(...both);
  const reply = await app.inject({
    ...request,
    headers: { ...request.headers, accept: 'text/html' },
  });
  t.match(reply.json<Problem>(), { status: 406, code: 'not_acceptable', field: 'Accept' });
});

t.test('a Request-Timeout that is no number', async (t) => {
  const request = await form(...both);
  for (const time of ['soon', '', '0x10', '0', '-1', 'Infinity']) {
    const headers = { ...request.headers, 'request-timeout': time };
    const problem = (await app.inject({ ...request, headers })).json<Problem>();
    t.match(problem, { status: 400, code: 'invalid_value', field: 'Request-Timeout' }, time);
    t.match(problem.detail, 'a positive number of seconds');
  }
});

t.test('an unknown path', async (t) => {
  const reply = await app.inject('/paint');
  t.match(reply.json<Problem>(), { status: 404, code: 'not_found' });
});

t.test('what the path asks is in the log, its query is not', async (t) => {
  const { app, lines } = await logging(t);
  const { detail } = (await app.inject('/nope?token=SECRET')).json<Problem>();
  t.equal(detail, 'There is nothing at GET /nope; see GET /docs.');
  t.match((await app.inject('/%zz?token=SECRET')).json<Problem>(), { status: 400 });
  t.match(lines, [{ status: 404, detail }, { status: 400 }]);
  t.notMatch(JSON.stringify(lines), 'SECRET');
});

t.test(
  'paths that fastify itself refuses are told, logged and counted like any other',
  async (t) => {
    const { app, lines } = await logging(t);
    for (const [url, status, code, title, advice] of [
      ['/styles/%zz', 400, 'malformed_request', 'The request cannot be read', /as %25/],
      [`/styles/${'a'.repeat(101)}`, 404, 'not_found', 'No such resource', /GET \/docs/],
    ] as const) {
      const reply = await app.inject(url);
      t.equal(reply.statusCode, status);
      t.match(reply.headers['content-type'], 'application/problem+json');
      t.match(reply.json<Problem>(), { status, code, title, detail: advice });
      t.match(lines.pop(), { route: 'unmatched', status, code });
      const { body } = await app.inject('/metrics');
      t.match(body, `adain_requests_total{route="unmatched",status="${status}"} 1`);
      t.match(body, `adain_rejections_total{reason="${code}"} 1`);
    }
  },
);

t.test('so is what Node’s parser refuses', async (t) => {
  const { app, lines } = await logging(t);
  const get = 'GET /styles HTTP/1.1\r\nHost: a\r\n';
  for (const [sent, status, code, advice] of [
    ['FOO /styles HTTP/1.1\r\n\r\n', 400, 'malformed_request', /method/],
    [`${get}X-Big: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large', /fewer, or shorter/],
  ] as const) {
    const { head, problem } = await exchange(app, sent);
    t.match(head, new RegExp(`^HTTP/1.1 ${status} .*\r\nContent-Type: application/problem\\+json`));
    t.match(problem, { status, code, detail: advice });
    t.match(head, `\r\nX-Request-Id: ${idOf(problem)}\r\nX-Content-Type-Options: nosniff`);
    t.match(lines.pop(), { route: 'unmatched', status, code, reqId: idOf(problem) });
    const { body } = await app.inject('/metrics');
    t.match(body, `adain_requests_total{route="unmatched",status="${status}"} 1`);
    t.match(body, `adain_rejections_total{reason="${code}"} 1`);
  }
});

t.test('a request that becomes unreadable on its way is told once', async (t) => {
  const { app, lines } = await logging(t);
  const head =
    'POST /stylize HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\n';
  const { problem } = await exchange(app, `${head}Transfer-Encoding: chunked\r\n\r\nno size\r\n`);
  t.match(problem, { status: 400, code: 'malformed_request' });
  while (lines.length === 0) await sleep(5); // the connection's end may be seen here first
  t.match(lines, [{ route: '/stylize', status: 499, reqId: idOf(problem) }]);
  t.equal(lines.length, 1);
  t.notMatch((await app.inject('/metrics')).body, 'adain_requests_total{route="unmatched"');
});

t.test('a problem has the id of its request: a proxy’s, if it is fit, or a new one', async (t) => {
  const idFor = async (given: string) =>
    idOf((await app.inject({ url: '/nope', headers: { 'x-request-id': given } })).json<Problem>());
  t.equal(await idFor('proxy-7.b_2'), 'proxy-7.b_2');
  const made = [
    await idFor(''),
    await idFor('a b'),
    await idFor('a'.repeat(65)),
    await idFor('é"'),
  ];
  for (const id of made) t.match(id, /^[0-9a-f-]{36}$/);
  t.equal(new Set(made).size, made.length);
});

t.test('every answer has the id of its request, and is not to be sniffed', async (t) => {
  for (const url of ['/livez', '/nope', '/styles/%zz', '/docs', '/openapi.yaml']) {
    const { headers } = await app.inject({ url, headers: { 'x-request-id': 'proxy-7' } });
    t.equal(headers['x-request-id'], 'proxy-7', url);
    t.equal(headers['x-content-type-options'], 'nosniff', url);
  }
});

t.test('a form of too many parts is told how many there may be', async (t) => {
  const texts = (count: number) => Array.from({ length: count }, (): Field => ['alpha', '1']);
  const files = Array.from({ length: 65 }, (): Field => ['style', Buffer.of(1)]);
  for (const [fields, said] of [
    [texts(49), 'more than 48 parts of text'],
    [files, 'more than 64 parts'],
  ] as const) {
    const reply = await app.inject(await form(...fields));
    t.match(reply.json<Problem>(), { status: 400, code: 'malformed_form', detail: said });
  }
});

t.test('what comes back of a request is short and shows', async (t) => {
  const { app, lines } = await logging(t);
  const long = 'n'.repeat(15_000);
  for (const hidden of ['\u202e', '\u0085', '\u001b', '\u2028']) {
    const name = `a${hidden}b`;
    const replies = [
      await app.inject(await form(...both, [name, '1'])),
      await app.inject(await form(...both, [name, content])),
      await app.inject(await form(...both, ['styleId', name])),
      await app.inject(await form(...both, [long + name, content])),
      await app.inject(await form(...both, [long + name, '1'])),
      await app.inject({ ...(await form(...both)), url: `/stylize?${encodeURIComponent(name)}` }),
      await app.inject({ ...(await form(...both)), url: `/stylize?${long}` }),
      await app.inject(`/styles/${encodeURIComponent(name)}`),
      await app.inject(`/${long}/${long}`),
    ];
    for (const reply of replies) {
      t.match(reply.statusCode, /^40[04]$/);
      for (const told of [reply.body, JSON.stringify(lines.at(-1))]) {
        t.notMatch(told, /[\p{C}\p{Zl}\p{Zp}]/u);
        t.ok(told.length < 1000, told.slice(0, 100));
      }
    }
    const escape = `a\\u${hidden.charCodeAt(0).toString(16).padStart(4, '0')}b`;
    const [text, file] = replies.map((reply) => reply.json<Problem>());
    t.match(text?.detail, `"${escape}"`);
    t.equal(text?.field, escape);
    t.match(file, { detail: text?.detail, field: escape });
  }
});

t.test('a method that a path does not take', async (t) => {
  for (const [method, url, allow] of [
    ['GET', '/stylize?size=512', 'POST, OPTIONS'],
    ['DELETE', '/styles', 'GET, HEAD, POST, OPTIONS'],
    ['POST', '/styles/great-wave/image', 'GET, HEAD, OPTIONS'],
    ['POST', '/docs/static/index.html', 'GET, HEAD, OPTIONS'],
  ] as const) {
    const reply = await app.inject({ method, url });
    t.match(reply.json<Problem>(), { status: 405, code: 'method_not_allowed' }, url);
    t.equal(reply.headers.allow, allow);
  }
  t.equal((await app.inject('/styles/great-wave/image/more')).statusCode, 404);
  const asset = await app.inject('/docs/static/nope.js');
  t.match(asset.json<Problem>(), { status: 404, code: 'not_found' });
});

t.test('conditions and ranges of files that do not hold', async (t) => {
  const url = '/docs/static/swagger-ui.css';
  const { headers } = await app.inject({ method: 'HEAD', url });
  const refused = [
    [{ 'if-match': '"another"' }, 412, 'precondition_failed', undefined],
    [{ 'if-unmodified-since': new Date(0).toUTCString() }, 412, 'precondition_failed', undefined],
    [
      { range: 'bytes=999999999-' },
      416,
      'range_not_satisfiable',
      `bytes */${headers['content-length']}`,
    ],
  ] as const;
  for (const [headers, status, code, contentRange] of refused) {
    const reply = await app.inject({ url, headers });
    t.equal(reply.statusCode, status);
    t.match(reply.json<Problem>(), { status, code });
    t.equal(reply.headers['content-range'], contentRange);
    t.match(reply.headers['content-type'], 'application/problem+json');
  }
  const part = await app.inject({ url, headers: { range: 'bytes=0-9' } });
  t.equal(part.statusCode, 206);
});

t.test('a long part without a name of its own does not hold the answer up', async (t) => {
  const app = await build(t, {}, { createEngine: fakeEngine() });
  const payload = [
    '--b\r\ncontent-disposition: nonsense\r\n\r\n',
    'x'.repeat(40_000),
    '\r\n--b\r\ncontent-disposition: form-data; name="size"\r\n\r\n32\r\n--b--\r\n',
  ].join('');
  const headers = { 'content-type': 'multipart/form-data; boundary=b', 'request-timeout': '20' };
  const reply = await app.inject({ method: 'POST', url: '/stylize', headers, payload });
  t.match(reply.json(), { code: 'malformed_form', detail: /no name/ });
});
