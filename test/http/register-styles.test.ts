import { readdir } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import sharp from 'sharp';
import t, { type Test } from 'tap';

import { createMetrics } from '../../src/observability/metrics.ts';
import { randomNumbers } from '../engine/helpers.ts';
import { build, form, photo, type Field } from '../support/app.ts';
import { fakeDigest, fakeEngine, timed, type FakeEngine } from '../support/fake-engine.ts';
import { gate } from '../support/gate.ts';
import { exchange } from '../support/raw.ts';

interface Style {
  id: string;
  kind: string;
  name: string;
  width?: number;
  height?: number;
  links: { self: string; image?: string; thumbnail?: string; statistics: string };
}
type App = Awaited<ReturnType<typeof build>>;

const picture = await photo(80, 60, 3);
const statistics = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);

function start(t: Test, environment = {}, overrides: Partial<FakeEngine> = {}) {
  const describe = () => Promise.resolve(timed(statistics.slice()));
  return build(t, environment, { createEngine: fakeEngine({ describe, ...overrides }) });
}
const post = async (app: App, ...fields: Field[]) =>
  app.inject({ ...(await form(...fields)), url: '/styles' });
const put = async (app: App, id: string, ...fields: Field[]) =>
  app.inject({ ...(await form(...fields)), method: 'PUT', url: `/styles/${id}` });
const patch = (app: App, id: string, payload: object) =>
  app.inject({ method: 'PATCH', url: `/styles/${id}`, payload });
const remove = (app: App, id: string) => app.inject({ method: 'DELETE', url: `/styles/${id}` });
const paint = async (app: App, styleId: string) =>
  app.inject(await form(['content', picture], ['styleId', styleId]));

t.test('a picture is registered, shown and painted in', async (t) => {
  const app = await start(t);
  const texts: Field[] = [
    ['name', 'Große Welle'],
    ['license', 'CC0-1.0'],
  ];
  const reply = await post(app, ['image', picture], ...texts);
  t.equal(reply.statusCode, 201);
  const style = reply.json<Style>();
  t.match(style, {
    ...{ id: /^sha256-[0-9a-f]{64}$/, kind: 'registered', name: 'Große Welle' },
    ...{ description: '', license: 'CC0-1.0', width: 80, height: 60 },
  });
  t.equal(reply.headers.location, style.links.self);
  t.same((await app.inject(style.links.self)).json(), style);

  const again = await post(app, ['image', picture], ['name', 'Other']);
  t.equal(again.statusCode, 200, 'the same picture is the same style');
  t.same(again.json(), style);

  const image = await app.inject(style.links.image ?? '');
  t.equal(image.headers['content-type'], 'image/png');
  t.match(await sharp(image.rawPayload).metadata(), { width: 80, height: 60, format: 'png' });
  const small = await app.inject(style.links.thumbnail ?? '');
  t.equal(small.headers['content-type'], 'image/webp');
  for (const url of Object.values(style.links)) {
    const { etag, 'cache-control': control } = (await app.inject(url)).headers;
    t.equal(control, 'no-cache', 'it may be replaced at any time');
    const headers = { 'if-none-match': String(etag) };
    t.equal((await app.inject({ url, headers })).statusCode, 304);
  }
  const painted = await paint(app, style.id);
  t.equal(painted.statusCode, 200);
  t.equal(painted.headers['style-id'], style.id);
});

t.test(
  'of a request without a body its Content-Type says nothing, where none is taken',
  async (t) => {
    const app = await start(t);
    const types = ['application/json', 'text/plain', 'multipart/form-data', 'application/xml', 'x'];
    for (const type of types) {
      for (const length of [{}, { 'content-length': '0' }]) {
        await put(app, 'mine', ['image', picture]);
        const headers = { 'content-type': type, ...length };
        const asked = { method: 'DELETE', url: '/styles/mine', headers } as const;
        t.equal((await app.inject(asked)).statusCode, 204, type);
        t.equal((await app.inject({ ...asked, method: 'OPTIONS' })).statusCode, 204, type);
        t.equal((await app.inject({ ...asked, method: 'GET' })).statusCode, 404, type);
        t.equal((await app.inject({ ...asked, method: 'POST' })).statusCode, 405, type);
      }
    }
    const headers = { 'content-type': 'application/json' };
    const empty = await app.inject({ method: 'PATCH', url: '/styles/mine', headers });
    t.match(empty.json(), { status: 400 }, 'where one is taken it is missed');
  },
);

t.test('where a request takes no body, one that comes is passed over', async (t) => {
  const app = await start(t);
  const chunked = 'Transfer-Encoding: chunked\r\n\r\n';
  for (const type of ['', 'Content-Type: application/json\r\n', 'Content-Type: text/plain\r\n']) {
    for (const body of [
      `${chunked}0\r\n\r\n`,
      `${chunked}1\r\n{\r\n0\r\n\r\n`,
      'Content-Length: 1\r\n\r\n{',
    ]) {
      await put(app, 'mine', ['image', picture]);
      const asked = `DELETE /styles/mine HTTP/1.1\r\nHost: a\r\n${type}${body}`;
      const next = 'GET /styles/mine HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
      const answers = await exchange(app, asked + next);
      t.match(answers, /^HTTP\/1\.1 204 [^]*\nHTTP\/1\.1 404 /, type + body);
    }
  }
});

t.test('what is kept is what was described, without what else the file tells', async (t) => {
  const app = await start(t, { ADAIN_STYLE_SIZE: '100' });
  const sent = await sharp(await photo(600, 300))
    .jpeg()
    .withExif({ IFD0: { Copyright: 'where I live' } })
    .withMetadata({ orientation: 6 })
    .toBuffer();
  const style = (await put(app, 'own', ['image', sent])).json<Style>();
  t.match(style, { width: 50, height: 100 }, 'upright and scaled');
  const { rawPayload } = await app.inject('/styles/own/image');
  const kept = await sharp(rawPayload).metadata();
  t.match(kept, { width: 50, height: 100, exif: undefined, xmp: undefined, icc: undefined });
  t.notOk(rawPayload.includes('where I live'));

  // The kept picture is the very same style as what was sent.
  const ids = await Promise.all(
    [sent, rawPayload].map(async (bytes) => (await post(app, ['image', bytes])).json<Style>().id),
  );
  t.equal(ids[0], ids[1]);
});

t.test('an id of one’s own is created, then replaced', async (t) => {
  const app = await start(t);
  const first = await put(app, 'starry-night', ['image', picture], ['name', 'Night']);
  t.match(first, { statusCode: 201, headers: { location: '/styles/starry-night' } });
  const other = await photo(40, 40, 5);
  const second = await put(app, 'starry-night', ['image', other]);
  t.equal(second.statusCode, 200);
  t.match(second.json(), { name: 'starry-night', width: 40 }, 'its texts too');
  const { rawPayload } = await app.inject('/styles/starry-night/thumbnail');
  t.match(await sharp(rawPayload).metadata(), { width: 40 }, 'no thumbnail of before');
  t.equal((await app.inject('/styles?kind=registered')).json<{ styles: [] }>().styles.length, 1);
});

t.test('texts are changed, and styles deleted', async (t) => {
  const app = await start(t);
  await put(app, 'mine', ['image', picture], ['description', 'Blue']);
  const changed = await patch(app, 'mine', { name: 'Mine', license: 'MIT' });
  t.equal(changed.statusCode, 200);
  t.match(changed.json(), { name: 'Mine', description: 'Blue', license: 'MIT' });
  t.match((await app.inject('/styles/mine')).json(), { name: 'Mine', description: 'Blue' });
  for (const wrong of [
    { name: 1 },
    { nam: 'x' },
    [],
    { name: 'a\u0000b' },
    { name: 'x'.repeat(101) },
  ]) {
    t.match((await patch(app, 'mine', wrong)).json(), { status: 400, code: 'invalid_value' });
  }
  const broken = { method: 'PATCH', url: '/styles/mine', payload: '{' } as const;
  const json = { 'content-type': 'application/json' };
  t.match((await app.inject({ ...broken, headers: json })).json(), {
    ...{ status: 400, code: 'malformed_request' },
  });
  const typed = { ...broken, headers: { 'content-type': 'text/plain' } };
  t.match((await app.inject(typed)).json(), { status: 415, code: 'unsupported_media_type' });
  const long = { ...broken, payload: JSON.stringify({ name: 'x'.repeat(70_000) }), headers: json };
  t.match((await app.inject(long)).json(), { status: 413, code: 'too_many_bytes' });

  t.equal((await remove(app, 'mine')).statusCode, 204);
  for (const gone of [remove(app, 'mine'), patch(app, 'mine', {}), app.inject('/styles/mine')]) {
    t.match((await gone).json(), { status: 404, code: 'unknown_style', field: 'id' });
  }
  t.match((await paint(app, 'mine')).json(), { status: 404, code: 'unknown_style' });
});

t.test('presets stay as they are', async (t) => {
  const app = await start(t);
  const bytes = Buffer.from(statistics.buffer);
  const headers = { 'model-digest': fakeDigest, 'content-type': 'application/octet-stream' };
  const url = '/styles/mosaic/statistics';
  for (const reply of [
    put(app, 'mosaic', ['image', picture]),
    patch(app, 'mosaic', { name: 'x' }),
    remove(app, 'mosaic'),
    app.inject({ method: 'PUT', url, headers, payload: bytes }),
  ]) {
    t.match((await reply).json(), { status: 409, code: 'id_taken', field: 'id' });
  }
});

t.test('forms that are none', async (t) => {
  const app = await start(t);
  for (const [fields, field, detail] of [
    [[], 'image', /is missing/],
    [[['image', 'text']], 'image', /curl -F image=@/],
    [[['name', Buffer.from('a')]], 'name', /must be text/],
    [
      [
        ['image', picture],
        ['image', picture],
      ],
      'image',
      /twice/,
    ],
    [
      [
        ['image', picture],
        ['nmae', 'x'],
      ],
      'nmae',
      /did you mean name\?/,
    ],
    [
      [
        ['image', picture],
        ['name', 'x'.repeat(101)],
      ],
      'name',
      /at most 100 characters/,
    ],
    [
      [
        ['image', picture],
        ['license', 'x'.repeat(5000)],
      ],
      'license',
      /longer than 4096/,
    ],
  ] as [Field[], string, RegExp][]) {
    t.match((await post(app, ...fields)).json(), {
      status: 400,
      code: 'invalid_value',
      field,
      detail,
    });
  }
  const notOne = await post(app, ['image', Buffer.from('<svg/>')]);
  t.match(notOne.json(), { status: 415, field: 'image' });
  const thin = await post(app, ['image', await photo(40, 8)]);
  t.match(thin.json(), { status: 422, code: 'image_too_small', field: 'image' });
  const body = { method: 'POST', url: '/styles', payload: { image: 1 } } as const;
  t.match((await app.inject(body)).json(), { status: 415, code: 'unsupported_media_type' });
});

t.test('the list comes in pages, presets first', async (t) => {
  const app = await start(t);
  const before = await app.inject('/styles');
  const presets = before.json<{ styles: Style[] }>().styles;
  t.ok(presets.every(({ kind }) => kind === 'preset'));
  for (const id of ['c', 'a', 'b-2', 'b']) await put(app, id, ['image', picture]);
  const url = '/styles';
  const headers = { 'if-none-match': String(before.headers.etag) };
  t.equal((await app.inject({ url, headers })).statusCode, 200, 'it has changed');
  const all = [...presets.map(({ id }) => id), 'a', 'b', 'b-2', 'c'];

  for (const limit of [1, 2, presets.length - 1, presets.length, presets.length + 1, 1000]) {
    const seen: string[] = [];
    let next: string | undefined = `/styles?limit=${limit}`;
    while (next) {
      const page: { styles: Style[]; isPartial: boolean; links: { next?: string } } = (
        await app.inject(next)
      ).json();
      t.ok(page.styles.length <= limit && page.styles.length > 0);
      t.equal(page.isPartial, false);
      seen.push(...page.styles.map(({ id }) => id));
      next = page.links.next;
    }
    t.same(seen, all, `pages of ${limit}`);
  }
  const ids = async (query: string) =>
    (await app.inject(`/styles?${query}`)).json<{ styles: Style[] }>().styles.map(({ id }) => id);
  t.same(await ids('kind=registered'), ['a', 'b', 'b-2', 'c']);
  t.same(await ids('kind=registered&limit=2&after=b'), ['b-2', 'c']);
  t.same(
    await ids('kind=preset'),
    presets.map(({ id }) => id),
  );
  t.same(await ids('after=aa&limit=1'), ['b'], 'behind an id that is not there');
  for (const wrong of [
    'limit=0',
    'limit=1001',
    'limit=x',
    'kind=all',
    'after=A',
    'limit=1&limit=2',
  ]) {
    t.match(
      (await app.inject(`/styles?${wrong}`)).json(),
      { status: 400, code: 'invalid_value' },
      wrong,
    );
  }
});

t.test('statistics go from one instance to another of the same model', async (t) => {
  const [one, other] = [await start(t), await start(t)];
  await put(one, 'mine', ['image', picture]);
  const sent = await one.inject('/styles/mine/statistics');
  t.same(new Float32Array(Uint8Array.from(sent.rawPayload).buffer), statistics);
  t.equal(sent.headers['content-type'], 'application/octet-stream');
  const model = String(sent.headers['model-digest']);
  const type = { 'content-type': 'application/octet-stream' };
  const url = '/styles/theirs/statistics';
  const request = { method: 'PUT', url, payload: sent.rawPayload } as const;
  const taken = await other.inject({ ...request, headers: { ...type, 'model-digest': model } });
  t.equal(taken.statusCode, 201);
  const style = taken.json<Style>();
  t.match(style, { id: 'theirs', kind: 'registered', name: 'theirs' });
  t.notOk(style.links.image ?? style.width, 'it has no picture');
  t.match((await other.inject('/styles/theirs/image')).json(), { status: 404, code: 'not_found' });
  t.same((await other.inject('/styles/theirs/statistics')).rawPayload, sent.rawPayload);
  t.equal((await paint(other, 'theirs')).statusCode, 200);
  const again = await other.inject({ ...request, headers: { ...type, 'model-digest': model } });
  t.equal(again.statusCode, 200);

  const newer = { ...type, 'model-digest': 'f'.repeat(64) };
  t.match((await other.inject({ ...request, headers: newer })).json(), {
    ...{ status: 409, code: 'model_mismatch', field: 'Model-Digest' },
  });
  const without = await other.inject({ ...request, headers: type });
  t.match(without.json(), { status: 400, field: 'Model-Digest' });
  const right = { ...type, 'model-digest': model };
  const nan = Buffer.from(Float32Array.from(statistics, (_, i) => (i === 3 ? NaN : 1)).buffer);
  for (const payload of [sent.rawPayload.subarray(1), Buffer.alloc(0), nan]) {
    const wrong = await other.inject({ ...request, headers: right, payload });
    t.match(wrong.json(), { status: 400, code: 'invalid_value' });
  }
  const onPicture = { ...request, url: '/styles/mine/statistics', headers: right };
  t.match((await one.inject(onPicture)).json(), { status: 409, code: 'id_taken' });
  t.equal(
    (await put(other, 'theirs', ['image', picture])).statusCode,
    200,
    'a picture replaces them',
  );
  t.ok((await one.inject('/styles/mosaic/statistics')).rawPayload.length > 0, 'of presets, too');
});

t.test('what was uploaded to be painted in is known by its id', async (t) => {
  const app = await start(t);
  const painted = await app.inject(await form(['content', picture], ['style', picture]));
  const id = String(painted.headers['style-id']);
  const style = (await app.inject(`/styles/${id}`)).json<Style>();
  t.match(style, { id, kind: 'upload', name: id });
  t.notOk(style.links.image);
  t.equal((await app.inject(style.links.statistics)).statusCode, 200);
  for (const of of ['image', 'thumbnail']) {
    t.match((await app.inject(`/styles/${id}/${of}`)).json(), { status: 404, code: 'not_found' });
  }
  t.same((await app.inject('/styles?kind=registered')).json<{ styles: [] }>().styles, []);
  t.match((await remove(app, id)).json(), { status: 404 }, 'it goes by itself');
  t.equal((await post(app, ['image', picture])).statusCode, 201, 'until it is registered');
  t.match((await app.inject(`/styles/${id}`)).json(), { kind: 'registered' });
  const other = await photo(30, 30);
  t.match((await put(app, id, ['image', other])).json(), { status: 409, code: 'id_taken' });
  t.equal((await put(app, id, ['image', picture])).statusCode, 200);
});

t.test('a style that is replaced or deleted while its picture waits to be read', async (t) => {
  const metrics = createMetrics();
  let most = 0;
  t.intercept(metrics.memoryHeld, 'set', {
    value: ({ part }: { part: string }, bytes: number) => {
      if (part === 'pictures') most = Math.max(most, bytes);
    },
  });
  const ample = await build(t, { ADAIN_PRESETS: 'none' }, { createEngine: fakeEngine(), metrics });
  const other = await photo(80, 60, 4);
  await put(ample, 'mine', ['image', other]);

  // What is registered takes all memory until it is described, and what is read waits for that.
  const capacity = most + 1000;
  let describing: ReturnType<typeof gate> | undefined;
  let described = 0;
  const app = await start(
    t,
    {
      ADAIN_PRESETS: 'none',
      ADAIN_MEMORY_BYTES: String(2 ** 28),
      ADAIN_MAX_UPLOAD_BYTES: '100000',
    },
    {
      memoryBytes: (7 / 8) * 2 ** 28 - capacity / 0.75,
      async describe() {
        described++;
        await describing?.opened;
        return timed(statistics.slice());
      },
    },
  );
  const lookUps = async () => {
    const { body } = await app.inject('/metrics');
    return /adain_style_store_requests_total{store="memory",result="hit"} (.*)/.exec(body)?.[1];
  };
  async function askWhile(
    path: string,
    id: string,
    image: Buffer,
    change?: () => Promise<unknown>,
  ) {
    await put(app, 'mine', ['image', picture]);
    describing = gate();
    const before = described;
    const registering = put(app, id, ['image', image]);
    while (described === before) await setImmediate();
    const known = await lookUps();
    const asking = app.inject(path);
    while ((await lookUps()) === known) await setImmediate();
    await change?.();
    describing.open();
    t.ok((await registering).statusCode < 300);
    describing = undefined;
    return asking;
  }
  for (const path of ['/styles/mine/image', '/styles/mine/thumbnail']) {
    const asked = await askWhile(path, 'mine', other);
    t.match(asked.headers['content-type'], /^image/);
    t.same(asked.rawPayload, (await ample.inject(path)).rawPayload, 'that which is there now');
    await put(app, 'mine', ['image', picture]);
    t.notSame((await app.inject(path)).rawPayload, asked.rawPayload);
  }
  const gone = await askWhile('/styles/mine/image', 'new', other, () => remove(app, 'mine'));
  t.match(gone.json(), { status: 404, code: 'unknown_style', detail: /^There is no style "mine"/ });
});

t.test('limits are refused by name', async (t) => {
  const app = await start(t, { ADAIN_MAX_STYLES: '2', ADAIN_MAX_STYLE_BYTES: '9000' });
  for (const id of ['a', 'b']) await put(app, id, ['image', picture]);
  t.match((await put(app, 'c', ['image', picture])).json(), {
    ...{ status: 409, code: 'too_many_styles', detail: /Delete one first/ },
  });
  t.equal((await put(app, 'a', ['image', picture])).statusCode, 200);
  const noise = sharp({
    create: {
      ...{ width: 90, height: 90, channels: 3 },
      background: 'red',
      noise: { type: 'gaussian', mean: 100, sigma: 50 },
    },
  });
  const large = await put(app, 'a', ['image', await noise.png().toBuffer()]);
  t.match(large.json(), {
    ...{ status: 413, code: 'too_many_bytes', field: 'image' },
    detail: /ADAIN_MAX_STYLE_BYTES/,
  });
});

t.test('a library that is read only', async (t) => {
  const app = await start(t, { ADAIN_STYLES_WRITABLE: 'off' });
  for (const reply of [
    post(app, ['image', picture]),
    put(app, 'a', ['image', picture]),
    patch(app, 'a', {}),
    remove(app, 'a'),
    app.inject({ method: 'PUT', url: '/styles/a/statistics' }),
  ]) {
    t.match((await reply).json(), { status: 403, code: 'read_only' });
  }
  t.equal((await app.inject('/styles')).statusCode, 200);
  t.equal((await paint(app, 'mosaic')).statusCode, 200);
});

t.test('all memory is given back', async (t) => {
  const app = await start(t);
  const held = async () =>
    [...(await app.inject('/metrics')).body.matchAll(/adain_memory_held_bytes{.*} (.*)/g)].map(
      ([, bytes]) => bytes,
    );
  await put(app, 'a', ['image', picture]);
  await put(app, 'a', ['image', picture.subarray(0, 500)]);
  for (const of of ['', '/image', '/thumbnail', '/statistics']) await app.inject(`/styles/a${of}`);
  t.same(await held(), ['0', '0']);
});

t.test('ids that are none reach nothing', async (t) => {
  const folder = t.testdir({ secret: 'secret', store: {} });
  const app = await start(t, { ADAIN_STYLE_STORE: `folder:${folder}/store` });
  const headers = { 'model-digest': fakeDigest, 'content-type': 'application/octet-stream' };
  const payload = Buffer.from(statistics.buffer);
  const ids = [
    ...['..', '../secret', '../../secret', '..\\secret', '/etc/passwd', './a', 'a/../b', '%2e%2e'],
    ...[
      'A',
      'Mosaic',
      'a b',
      'a_b',
      '-a',
      'a.b',
      '.a',
      'a\0',
      'a\n',
      'ａ',
      'é',
      'é',
      '𝒶',
      'ß',
      'ı',
    ],
    ...['a'.repeat(81), '\u202ea', 'a*', 'a?b', 'a#b', 'a:b', 'con.', '__proto__', '{a}', '"', ' '],
    ...['sha256-' + 'A'.repeat(64), 'constructor.', 'styles/a', 'lock', 'statistics'].slice(0, 3),
  ];
  for (const id of ids) {
    const url = `/styles/${encodeURIComponent(id)}`;
    const replies = await Promise.all([
      ...['', '/image', '/thumbnail', '/statistics'].map((of) => app.inject(url + of)),
      put(app, encodeURIComponent(id), ['image', picture]),
      app.inject({ method: 'PUT', url: `${url}/statistics`, headers, payload }),
      patch(app, encodeURIComponent(id), { name: 'x' }),
      app.inject({ method: 'DELETE', url }),
    ]);
    for (const reply of replies) {
      const { code, links } = reply.json<{ code?: string; links?: object }>();
      // `..` is resolved before it is sent: `/styles/..` asks for what is at `/`.
      const atRoot = id === '..' && (links !== undefined || code === 'method_not_allowed');
      const isRefused =
        atRoot || ['unknown_style', 'invalid_value', 'not_found'].includes(code ?? '');
      t.ok(
        isRefused && reply.statusCode < 500,
        `${JSON.stringify(id)}: ${reply.statusCode} ${code}`,
      );
    }
  }
  const random = randomNumbers(1);
  const characters = [
    'a',
    'Z',
    '0',
    '-',
    '.',
    '/',
    '\\',
    '%',
    '\0',
    '\n',
    ' ',
    'é',
    '日',
    '\u202e',
    '😀',
  ];
  for (let i = 0; i < 500; i++) {
    const id = Array.from({ length: 1 + Math.floor(random() * 12) }, () => {
      return characters[Math.floor(random() * characters.length)] ?? '';
    }).join('');
    // Good ones, and those that URLs resolve away.
    if (/^([a0][a0-]*|\.\.?)$/.test(id)) continue;
    const url = `/styles/${encodeURIComponent(id)}`;
    for (const reply of await Promise.all([
      app.inject(`${url}/image`),
      app.inject({ method: 'PUT', url: `${url}/statistics`, headers, payload }),
      app.inject({ method: 'DELETE', url }),
    ])) {
      t.ok([400, 404, 405].includes(reply.statusCode), JSON.stringify(id));
    }
  }
  t.same((await app.inject('/styles?kind=registered')).json<{ styles: [] }>().styles, []);
  t.same((await readdir(folder, { recursive: true })).sort(), ['secret', 'store', 'store/styles']);
  // Words that objects and folders have are ids like others.
  for (const id of ['constructor', 'lock', 'statistics', 'con', 'a'.repeat(80), '0']) {
    t.equal((await put(app, id, ['image', picture])).statusCode, 201, id);
    t.equal((await paint(app, id)).statusCode, 200, id);
  }
});
