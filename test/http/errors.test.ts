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
const withField = (name: string, value: string) => [...both, [name, value] as const];

type Case = [
  what: string,
  fields: readonly Field[],
  status: number,
  code: string,
  field: string | undefined,
  advice: RegExp,
];

const cases: Case[] = [
  ['no content', [['style', style]], 400, 'invalid_value', 'content', /missing.*as a file/],
  ['no style', [['content', content]], 400, 'invalid_value', 'styleId', /GET \/styles/],
  [
    'content as text',
    [
      ['content', 'hello'],
      ['style', style],
    ],
    400,
    'invalid_value',
    'content',
    /curl -F content=@/,
  ],
  [
    'style as text',
    [
      ['content', content],
      ['style', 'mosaic'],
    ],
    400,
    'invalid_value',
    'style',
    /preset with styleId/,
  ],
  ['two contents', [...both, ['content', content]], 400, 'invalid_value', 'content', /twice/],
  ['two sizes', [...both, ['size', '64'], ['size', '64']], 400, 'invalid_value', 'size', /twice/],
  [
    'two alphas for one style',
    [...both, ['alpha', '1'], ['alpha', '0']],
    400,
    'invalid_value',
    'alpha',
    /^1 style needs 1 alpha; 2 came\. Send one\.$/,
  ],
  [
    'two alphas for three styles',
    [...both, ['styleId', 'woodcut,mosaic'], ['alpha', '1,0']],
    400,
    'invalid_value',
    'alpha',
    /^3 styles need 1 or 3 alphas; 2 came\. Send one for all styles, or one a style in their order\.$/,
  ],
  [
    'an alpha of several that is none',
    [...both, ['styleId', 'woodcut'], ['alpha', '1,50%']],
    400,
    'invalid_value',
    'alpha',
    /alpha is "50%"; it takes a number from 0 to 1\. Did you mean 0\.5\?/,
  ],
  [
    'three masks for two styles',
    [...both, ['styleId', 'woodcut'], ['mask', content], ['mask', content], ['mask', content]],
    400,
    'invalid_value',
    'mask',
    /^2 styles need 1 or 2 masks; 3 came\. Send one for all styles, or one a style/,
  ],
  [
    'two masks for one style',
    [...both, ['mask', content], ['mask', content]],
    400,
    'invalid_value',
    'mask',
    /^1 style needs 1 mask; 2 came/,
  ],
  [
    'two masks for nine styles',
    [
      ['content', content],
      ['style', content],
      ['styleId', 'woodcut,mosaic,woodcut,mosaic,woodcut,mosaic,woodcut,mosaic'],
      ['mask', content],
      ['mask', content],
    ],
    400,
    'invalid_value',
    'mask',
    /^9 styles share 1 mask; 2 came\. Send one, or one a style for at most 8 styles\.$/,
  ],
  [
    'nine masks',
    [...both, ...Array.from({ length: 9 }, () => ['mask', content] as const)],
    400,
    'invalid_value',
    'mask',
    /mask has 9 values; it takes at most 8 of them/,
  ],
  ['a mask as text', withField('mask', '1'), 400, 'invalid_value', 'mask', /-F mask=@picture/],
  [
    'a mask that is no picture',
    [...both, ['mask', Buffer.from('black and white')]],
    415,
    'unsupported_media_type',
    'mask',
    /not a picture of a type we take\. Send JPEG, PNG/,
  ],
  [
    'a mask cut short',
    [...both, ['mask', content.subarray(0, content.length - 900)]],
    422,
    'undecodable_image',
    'mask',
    /Send it again whole/,
  ],
  [
    'a file as alpha',
    [...both, ['alpha', content]],
    400,
    'invalid_value',
    'alpha',
    /send it as text/,
  ],
  [
    'an unknown field',
    withField('strength', '1'),
    400,
    'invalid_value',
    'strength',
    /did you mean alpha\?/,
  ],
  ['alpha of 2', withField('alpha', '2'), 400, 'invalid_value', 'alpha', /a number from 0 to 1/],
  [
    'alpha in words',
    withField('alpha', 'much'),
    400,
    'invalid_value',
    'alpha',
    /a number from 0 to 1/,
  ],
  [
    'two names of one thing that differ',
    [...withField('color', 'only'), ['preserveColor', 'true']],
    400,
    'invalid_value',
    'preserveColor',
    /preserveColor is true, as color=content, and color is only; send color alone/,
  ],
  [
    'preserveColor yes',
    withField('preserveColor', 'yes'),
    400,
    'invalid_value',
    'preserveColor',
    /true or false/,
  ],
  ['size 0', withField('size', '0'), 400, 'invalid_value', 'size', /from 16 to 65535/],
  ['size in fractions', withField('size', '99.5'), 400, 'invalid_value', 'size', /whole number/],
  [
    'format bmp',
    withField('format', 'bmp'),
    400,
    'invalid_value',
    'format',
    /jpeg, png, webp, avif/,
  ],
  ['quality 0', withField('quality', '0'), 400, 'invalid_value', 'quality', /from 1 to 100/],
  [
    'two weights, one style',
    withField('weights', '1,2'),
    400,
    'invalid_value',
    'weights',
    /^1 style needs 1 weight; 2 came\./,
  ],
  [
    'a weight left out',
    [...both, ['styleId', 'mosaic'], ['weights', '3,']],
    400,
    'invalid_value',
    'weights',
    /a number from 0/,
  ],
  ['alpha in hex', withField('alpha', '0x1'), 400, 'invalid_value', 'alpha', /from 0 to 1/],
  ['size in hex', withField('size', '0x40'), 400, 'invalid_value', 'size', /from 16/],
  ['alpha without end', withField('alpha', 'Infinity'), 400, 'invalid_value', 'alpha', /from 0/],
  ['weights all 0', withField('weights', '0'), 400, 'invalid_value', 'weights', /all 0/],
  ['a negative weight', withField('weights', '-1'), 400, 'invalid_value', 'weights', /from 0/],
  [
    'a style id in capitals',
    withField('styleId', 'Mosaic!'),
    400,
    'invalid_value',
    'styleId',
    /GET \/styles/,
  ],
  [
    'a style id left out',
    withField('styleId', 'mosaic,'),
    400,
    'invalid_value',
    'styleId',
    /GET \/styles/,
  ],
  [
    'nine style ids',
    withField('styleId', Array(9).fill('mosaic').join()),
    400,
    'invalid_value',
    'styleId',
    /at most 8/,
  ],
  [
    'nine styles',
    [['content', content], ...Array.from({ length: 9 }, () => ['style', style] as const)],
    400,
    'invalid_value',
    'style',
    /at most 8/,
  ],
  [
    'a long text',
    withField('alpha', '1'.repeat(5000)),
    400,
    'invalid_value',
    'alpha',
    /longer than/,
  ],
  [
    'an unknown style',
    [
      ['content', content],
      ['styleId', 'no-such'],
    ],
    404,
    'unknown_style',
    'styleId',
    /GET \/styles/,
  ],
  [
    'a style id that fell out of the cache',
    [
      ['content', content],
      ['styleId', `sha256-${'0'.repeat(64)}`],
    ],
    404,
    'unknown_style',
    'styleId',
    /send the picture again/,
  ],
  [
    'content that is no picture',
    [
      ['content', Buffer.from('<html>')],
      ['style', style],
    ],
    415,
    'unsupported_media_type',
    'content',
    /JPEG, PNG/,
  ],
  [
    'a style that is no picture',
    [
      ['content', content],
      ['style', Buffer.from('%PDF-1.4')],
    ],
    415,
    'unsupported_media_type',
    'style',
    /JPEG, PNG/,
  ],
  [
    'a picture cut short',
    [
      ['content', content.subarray(0, 600)],
      ['style', style],
    ],
    422,
    'undecodable_image',
    'content',
    /again whole/,
  ],
  [
    'a tiny picture',
    [
      ['content', await photo(15, 40)],
      ['style', style],
    ],
    422,
    'image_too_small',
    'content',
    /at least 16/,
  ],
  [
    'too many pixels',
    [
      ['content', await photo(200, 101)],
      ['style', style],
    ],
    422,
    'too_many_pixels',
    'content',
    /20200 pixels; at most 20000/,
  ],
  ['too large a size', withField('size', '300'), 422, 'too_many_pixels', 'size', /smaller size/],
  [
    'too many bytes',
    [
      ['content', Buffer.alloc(100_001)],
      ['style', style],
    ],
    413,
    'too_many_bytes',
    undefined,
    /100000 bytes/,
  ],
  [
    'too many bytes together',
    [
      ['content', Buffer.alloc(60_000)],
      ['style', Buffer.alloc(60_000)],
    ],
    413,
    'too_many_bytes',
    undefined,
    /100000 bytes/,
  ],
];

for (const [what, fields, status, code, field, advice] of cases) {
  t.test(what, async (t) => {
    const reply = await app.inject(await form(...fields));
    const problem = reply.json<Problem>();
    t.match(reply.headers['content-type'], 'application/problem+json');
    t.match(problem, { status, code, type: `urn:adain-server:problem:${code}` });
    t.equal(reply.statusCode, status);
    t.equal(problem.field, field);
    t.match(problem.detail, advice);
  });
}

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
    ['DELETE', '/styles', 'GET, HEAD, OPTIONS'],
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

t.test('failures are counted by their code', async (t) => {
  const { body } = await app.inject('/metrics');
  t.match(body, /adain_rejections_total\{reason="unknown_style"\} 2/);
  t.match(body, /adain_requests_total\{route="\/stylize",status="404"\} 2/);
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
  t.match(reply.json(), { code: 'invalid_value', field: 'content' });
});
