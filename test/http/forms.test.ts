import t from 'tap';

import { build, form, photo, type Field } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';

const app = await build(t, {}, { createEngine: fakeEngine() });
const content = await photo();
const preset = 'mosaic';

async function send(...fields: readonly Field[]) {
  return app.inject(await form(['content', content], ['styleId', preset], ...fields));
}

async function refusal(...fields: readonly Field[]): Promise<string> {
  const reply = await send(...fields);
  t.equal(reply.statusCode, 400);
  return reply.json<{ detail: string }>().detail;
}

/** A form whose parts have the headers that are given. */
function parts(...those: readonly (readonly [headers: string, body: Buffer | string])[]) {
  const payload = Buffer.concat([
    ...those.flatMap(([headers, body]) => [
      Buffer.from(`--b\r\n${headers}\r\n\r\n`),
      Buffer.from(body),
      Buffer.from('\r\n'),
    ]),
    Buffer.from('--b--\r\n'),
  ]);
  const headers = { 'content-type': 'multipart/form-data; boundary=b' };
  return { method: 'POST' as const, url: '/stylize', headers, payload };
}
const named = (name: string, more = '') => `content-disposition: form-data; name="${name}"${more}`;

t.test('a name that is another’s or nearly ours: did you mean', async (t) => {
  const meant = {
    'styleId[]': 'styleId',
    styleid: 'styleId',
    style_id: 'styleId',
    stlye: 'style',
    brush: 'strokes',
    colour: 'color',
    image: 'content',
    file: 'content',
    width: 'size',
    strength: 'alpha',
    preserve_color: 'preserveColor',
    Quality: 'quality',
  };
  for (const [name, field] of Object.entries(meant)) {
    t.equal(await refusal([name, '1']), `The field "${name}" is unknown; did you mean ${field}?`);
  }
  t.match(await refusal(['zebra', '1']), /^The field "zebra" is unknown; the fields are content,/);
});

t.test('values as people, languages and browsers write them', async (t) => {
  for (const value of ['jpg', 'JPG', 'JPEG', 'Jpeg']) {
    const reply = await send(['format', value]);
    t.equal(reply.headers['content-type'], 'image/jpeg', value);
  }
  for (const value of ['True', 'TRUE', '1', 'on', 'False', '0', 'off']) {
    t.equal((await send(['preserveColor', value])).statusCode, 200, value);
  }
  t.equal((await send(['color', 'Content'])).statusCode, 200);
  t.equal((await send(['strokes', 'Auto'])).statusCode, 200);
  for (const value of ['[3,1]', '[3, 1]', '3,1']) {
    const reply = await send(['styleId', 'woodcut'], ['weights', value]);
    t.equal(reply.statusCode, 200, value);
  }
});

t.test('a wrong value is quoted, with what was probably meant', async (t) => {
  const told: [name: string, value: string, detail: string][] = [
    [
      'strokes',
      '200',
      'The field strokes is "200"; it takes auto, or a number from 0.25 to 4. Did you mean 2?',
    ],
    [
      'strokes',
      'aut',
      'The field strokes is "aut"; it takes auto, or a number from 0.25 to 4. Did you mean auto?',
    ],
    [
      'color',
      'contents',
      'The field color is "contents"; it takes one of style, content, only. Did you mean content?',
    ],
    ['alpha', '80', 'The field alpha is "80"; it takes a number from 0 to 1. Did you mean 0.8?'],
    ['alpha', '80%', 'The field alpha is "80%"; it takes a number from 0 to 1. Did you mean 0.8?'],
    ['alpha', '-1', 'The field alpha is "-1"; it takes a number from 0 to 1.'],
    ['alpha', '0,5', 'The field alpha is "0,5"; it takes a number from 0 to 1. Did you mean 0.5?'],
    ['alpha', ',75', 'The field alpha is ",75"; it takes a number from 0 to 1. Did you mean 0.75?'],
    ['alpha', '1,80', 'The field alpha is "80"; it takes a number from 0 to 1. Did you mean 0.8?'],
    ['alpha', '0,1', '1 style needs 1 alpha; 2 came. Send one. Did you mean 0.1?'],
    [
      'weights',
      '0,5',
      '1 style needs 1 weight; 2 came. Send one a style in weights, or none. Did you mean 0.5?',
    ],
    [
      'strokes',
      '0,5',
      'The field strokes is "0,5"; it takes auto, or a number from 0.25 to 4. Did you mean 0.5?',
    ],
    [
      'quality',
      '85,5',
      'The field quality is "85,5"; it takes a whole number from 1 to 100. Did you mean 86?',
    ],
    ['size', '1,024', 'The field size is "1,024"; it takes a whole number from 16 to 65535.'],
    [
      'size',
      '512px',
      'The field size is "512px"; it takes a whole number from 16 to 65535. Did you mean 512?',
    ],
    [
      'quality',
      '0.5',
      'The field quality is "0.5"; it takes a whole number from 1 to 100. Did you mean 1?',
    ],
    [
      'format',
      'jepg',
      'The field format is "jepg"; it takes one of jpeg, png, webp, avif, gif. Did you mean jpeg?',
    ],
    [
      'styleId',
      'Great Wave',
      'The field styleId is "Great Wave"; it takes ids as GET /styles or a Style-Id header gives them. Did you mean great-wave?',
    ],
    [
      'size',
      `9\u202e\u0007${'9'.repeat(100)}`,
      `The field size is "9\\u202e\\u0007${'9'.repeat(37)}…"; it takes a whole number from 16 to 65535.`,
    ],
  ];
  for (const [name, value, detail] of told) t.equal(await refusal([name, value]), detail);
});

t.test('an id that is nearly one', async (t) => {
  const reply = await app.inject(await form(['content', content], ['styleId', 'mosiac']));
  t.equal(reply.statusCode, 404);
  t.match(reply.json(), { detail: /^There is no style "mosiac" here\. Did you mean mosaic\? GET/ });
});

t.test('weights that are too few', async (t) => {
  const text = '2 styles need 2 weights; 1 came. Send one a style in weights, or none.';
  t.equal(await refusal(['styleId', 'woodcut'], ['weights', '1']), text);
});

t.test('as many alphas as there may be styles of both kinds', async (t) => {
  const ids = Array.from({ length: 8 }, () => preset).join();
  const uploads = Array.from({ length: 7 }, () => ['style', content] as const);
  const alphas = Array.from({ length: 15 }, (_, index) => index / 15).join();
  const request = await form(['content', content], ['styleId', ids], ...uploads, ['alpha', alphas]);
  t.equal((await app.inject(request)).statusCode, 200);
});

t.test('text where a file belongs, however long', async (t) => {
  const texts = ['photo.jpg', '@photo.jpg', 'data:image/png;base64,AA', 'A'.repeat(50_000)];
  for (const value of texts) {
    const reply = await app.inject(await form(['content', value], ['styleId', preset]));
    t.equal(
      reply.json<{ detail: string }>().detail,
      'The field content is text; send it as a file (curl -F content=@picture.jpg).',
    );
  }
  t.equal(await refusal(['alpha', '1'.repeat(5000)]), 'The field alpha is longer than 4096 bytes.');
});

t.test('a file part needs no file name if its type says what it is', async (t) => {
  const style = [named('styleId'), preset] as const;
  for (const type of ['image/png', 'image/jpeg', 'application/octet-stream']) {
    const request = parts([`${named('content')}\r\ncontent-type: ${type}`, content], style);
    t.equal((await app.inject(request)).statusCode, 200, type);
  }
  const text = parts(
    [named('content', '; filename="a.png"'), content],
    [`${named('styleId')}\r\ncontent-type: text/plain`, preset],
  );
  t.equal((await app.inject(text)).statusCode, 200);
});

t.test('what no name can be read of is not left out without a word', async (t) => {
  const alpha = named('alpha');
  const send = (head: string) =>
    parts(
      [named('content', '; filename="a.png"'), content],
      [named('styleId'), preset],
      [head, '0'],
    );
  for (const head of [
    'content-disposition: attachment; name="alpha"',
    'content-type: text/plain',
    `${alpha}\ncontent-type: text/plain`,
    `no header\r\n${alpha}`,
  ]) {
    const problem = (await app.inject(send(head))).json<{ code: string; detail: string }>();
    t.match(problem, { code: 'malformed_form', detail: /no name.*Content-Disposition/ }, head);
  }
  const many = Array.from({ length: 20 }, (_, index) => `x-${index}: a\r\n`).join('');
  for (const head of [alpha, `${many}${alpha}`]) {
    for (const epilogue of ['', '--b--\r\n', 'the end']) {
      const { payload, ...request } = send(head);
      const reply = await app.inject({
        ...request,
        payload: Buffer.concat([payload, Buffer.from(epilogue)]),
      });
      t.equal(reply.statusCode, 200, `${head} ${epilogue}`);
    }
  }
});

t.test('what is in the address belongs in the form', async (t) => {
  const request = await form(['content', content], ['styleId', preset]);
  const reply = await app.inject({ ...request, url: '/stylize?alpha=0.5' });
  t.equal(reply.statusCode, 400);
  t.match(reply.json(), { field: 'alpha', detail: /"alpha" is in the address; it belongs in the/ });
});

t.test('a slash at the end is the same resource', async (t) => {
  const request = await form(['content', content], ['styleId', preset]);
  t.equal((await app.inject({ ...request, url: '/stylize/' })).statusCode, 200);
  t.equal((await app.inject('/styles/')).statusCode, 200);
  t.equal((await app.inject('/styles/mosaic/')).statusCode, 200);
  const wrong = await app.inject('/stylize/');
  t.equal(wrong.statusCode, 405);
  t.equal(wrong.headers.allow, 'POST, OPTIONS');
});

t.test('a form that is compressed as a whole', async (t) => {
  const request = await form(['content', content], ['styleId', preset]);
  const headers = { ...request.headers, 'content-encoding': 'gzip' };
  const reply = await app.inject({ ...request, headers });
  t.equal(reply.statusCode, 415);
  t.match(reply.json(), { field: 'Content-Encoding', detail: /encoded as "gzip"/ });
});

t.test('a browser’s own form gets a format that can hold the picture', async (t) => {
  const accept =
    'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8';
  const visit = async (width: number) => {
    const request = await form(['content', await photo(width, 16)], ['styleId', preset]);
    const reply = await app.inject({ ...request, headers: { ...request.headers, accept } });
    return [reply.statusCode, reply.headers['content-type']];
  };
  t.same(await visit(100), [200, 'image/avif']);
  t.same(await visit(16_384), [200, 'image/avif'], 'wider than WebP takes');
  t.same(await visit(17_000), [200, 'image/png'], 'wider than either takes: the content’s own');
});

t.test('a format that nothing else is accepted beside is refused with its bounds', async (t) => {
  const request = await form(['content', await photo(17_000, 16)], ['styleId', preset]);
  const reply = await app.inject({
    ...request,
    headers: { ...request.headers, accept: 'image/webp' },
  });
  t.equal(reply.statusCode, 400);
  t.match(reply.json(), {
    field: 'format',
    detail: /too large for webp, which takes 16383 a side/,
  });
});

t.test('a page’s plain form, with a check box and what was left empty', async (t) => {
  const empty = '; filename=""\r\ncontent-type: application/octet-stream';
  const request = parts(
    [`${named('content')}; filename="a.png"\r\ncontent-type: image/png`, content],
    [named('style', empty), ''],
    [named('styleId'), preset],
    [named('preserveColor'), 'on'],
    [named('size'), ''],
  );
  t.equal((await app.inject(request)).statusCode, 200);
});

t.test('parts that say they are JSON, as some clients make of every value', async (t) => {
  const json = 'content-type: application/json; charset=UTF-8';
  const send = (...fields: (readonly [string, string])[]) =>
    app.inject(
      parts(
        [named('content', '; filename="a.png"'), content],
        ...fields.map(([name, value]) => [`${named(name)}\r\n${json}`, value] as const),
      ),
    );
  const taken = await send(
    ...([
      ['styleId', '["mosaic", "woodcut"]'],
      ['weights', '[3, 1]'],
      ['alpha', '0.5'],
      ['format', '"png"'],
      ['preserveColor', 'true'],
    ] as const),
  );
  t.equal(taken.statusCode, 200, taken.body);
  t.equal(taken.headers['style-id'], 'mosaic, woodcut');
  for (const [value, remedy] of [
    ['{"styleId": "mosaic"}', /^The part "styleId" is JSON with objects in it\. Send each field/],
    ['[{"id": "mosaic"}]', /^The part "styleId" is JSON with objects in it\. Send each field/],
    ['mosaic', /says that it is JSON .* and is not\. Send plain text/],
    [`"${'x'.repeat(5000)}"`, /says that it is JSON .* and is not\. Send plain text/],
  ] as const) {
    const reply = await send(['styleId', value]);
    t.match(reply.json(), { status: 400, code: 'malformed_form', detail: remedy });
  }
});
