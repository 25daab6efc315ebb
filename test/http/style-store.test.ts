import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';

import { build, form, photo, recorder, type Field } from '../support/app.ts';
import { fakeEngine, timed } from '../support/fake-engine.ts';
import { skip, startRedis } from '../support/redis.ts';

type App = Awaited<ReturnType<typeof build>>;
const picture = await photo(80, 60, 3);
const model = (await fakeEngine()({} as never)).model;

/** As long as a busy machine may take to look something up. */
const patientMs = 60_000;

/** An instance whose model has this digit all over its digest, and in its statistics. */
async function start(t: Test, place: string, digit = 0, environment = {}) {
  const counts = { described: 0 };
  const createEngine = fakeEngine({
    model: { ...model, digest: String(digit).repeat(64) },
    describe: async ({ data }) => {
      counts.described++;
      await setTimeout(20);
      return timed(new Float32Array(8).fill(digit + (data[0] ?? 0) / 256));
    },
  });
  const { logger, lines } = recorder();
  const settings = { ADAIN_PRESETS: 'none', ADAIN_STYLE_STORE: place, ...environment };
  const app = await build(t, settings, { createEngine, logger, storeMs: patientMs });
  return { app, counts, lines };
}
const put = async (app: App, id: string, ...fields: Field[]) =>
  app.inject({ ...(await form(...fields)), method: 'PUT', url: `/styles/${id}` });
const paint = async (app: App, ...style: Field[]) =>
  app.inject(await form(['content', picture], ...style));
const statisticsOf = async (app: App, id: string) => {
  const { rawPayload } = await app.inject(`/styles/${id}/statistics`);
  return new Float32Array(Uint8Array.from(rawPayload).buffer);
};

t.test('what was registered for one model is described anew for another, once', async (t) => {
  const place = `folder:${t.testdir({})}`;
  const old = await start(t, place, 1);
  await put(old.app, 'mine', ['image', picture], ['name', 'Mine']);
  const bytes = Buffer.from((await statisticsOf(old.app, 'mine')).buffer);
  const headers = { 'model-digest': '1'.repeat(64), 'content-type': 'application/octet-stream' };
  const given = {
    method: 'PUT',
    url: '/styles/given/statistics',
    headers,
    payload: bytes,
  } as const;
  t.equal((await old.app.inject(given)).statusCode, 201);

  const next = await start(t, place, 2);
  t.match((await next.app.inject('/styles/mine')).json(), { name: 'Mine', width: 80 });
  t.equal(next.counts.described, 0, 'looking at it describes nothing');
  const painted = await Promise.all([1, 2, 3].map(() => paint(next.app, ['styleId', 'mine'])));
  t.same(
    painted.map(({ statusCode }) => statusCode),
    [200, 200, 200],
  );
  t.equal(next.counts.described, 1);
  const [first] = await statisticsOf(next.app, 'mine');
  t.equal(Math.floor(first ?? 0), 2, 'by its own model');
  const uploaded = await paint(next.app, ['style', picture]);
  const id = String(uploaded.headers['style-id']);
  t.same(await statisticsOf(next.app, id), await statisticsOf(next.app, 'mine'), 'as if sent anew');

  const replica = await start(t, place, 2);
  t.equal((await paint(replica.app, ['styleId', 'mine'])).statusCode, 200);
  t.equal(replica.counts.described, 0, 'and kept for others of that model');
  for (const reply of [
    paint(next.app, ['styleId', 'given']),
    next.app.inject('/styles/given/statistics'),
  ]) {
    const why = 'statistics alone say nothing to another model';
    t.match((await reply).json(), { status: 409, code: 'model_mismatch' }, why);
  }
  t.equal(
    (await put(next.app, 'given', ['image', picture])).statusCode,
    200,
    'until it has a picture',
  );
  const back = await start(t, place, 1);
  t.equal((await paint(back.app, ['styleId', 'mine'])).statusCode, 200, 'the way back is open');
});

t.test('a new upload to several at once is described once by each, then by none', async (t) => {
  const place = `folder:${t.testdir({})}`;
  const replicas = [await start(t, place), await start(t, place)];
  const both = replicas.flatMap(({ app }) =>
    [1, 2, 3, 4].map(() => paint(app, ['style', picture])),
  );
  for (const { statusCode } of await Promise.all(both)) t.equal(statusCode, 200);
  for (const { counts } of replicas) t.ok(counts.described <= 1);
  const third = await start(t, place);
  const reply = await paint(third.app, ['style', picture]);
  t.match(reply.headers['server-timing'], /style;desc=hit/);
  t.equal(third.counts.described, 0);
});

t.test('an upload that is used from the cache is kept anew in time', async (t) => {
  const folder = t.testdir({});
  const { app } = await start(t, `folder:${folder}`, 0, { ADAIN_STYLE_TTL_MS: '1000' });
  const id = String((await paint(app, ['style', picture])).headers['style-id']);
  const file = join(folder, 'statistics', '0'.repeat(64), id);
  await rm(file);
  await setTimeout(500); // a quarter of its time is over
  const reply = await paint(app, ['styleId', id]);
  t.match(reply.headers['server-timing'], /style;desc=hit/);
  t.ok(existsSync(file), 'before the answer: its id can be used elsewhere from then on');
});

t.test('a store that is away costs look-ups, not pictures', { skip }, async (t) => {
  const redis = await startRedis(t);
  const { app, lines } = await start(t, redis.url);
  await put(app, 'used', ['image', picture]);
  await put(app, 'unused', ['image', picture]);
  const other = await start(t, redis.url);
  t.equal((await paint(other.app, ['styleId', 'used'])).statusCode, 200);
  const id = String((await paint(app, ['style', picture])).headers['style-id']);
  await redis.kill();

  for (const style of [
    ['style', await photo(40, 40, 9)],
    ['styleId', id],
    ['styleId', 'used'],
  ] as Field[]) {
    t.equal((await paint(other.app, style)).statusCode, style[1] === id ? 404 : 200, style[0]);
  }
  t.equal((await paint(app, ['styleId', id])).statusCode, 200, 'the one that has described it');
  const replies = [
    paint(other.app, ['styleId', 'unused']),
    put(other.app, 'new', ['image', picture]),
    other.app.inject('/styles/unused'),
    other.app.inject('/styles?kind=registered'),
    other.app.inject({ method: 'DELETE', url: '/styles/used' }),
    other.app.inject({ method: 'PATCH', url: '/styles/used', payload: { name: 'x' } }),
  ];
  for (const reply of replies) {
    const { headers, json } = await reply;
    t.match(json(), { status: 503, code: 'store_unavailable' });
    t.equal(headers['retry-after'], '1');
  }
  t.equal((await other.app.inject('/readyz')).statusCode, 200);
  t.equal((await other.app.inject(`/styles?kind=preset`)).statusCode, 200);

  await paint(app, ['styleId', 'used']);
  const withPresets = await start(t, redis.url, 0, { ADAIN_PRESETS: 'shipped' });
  const list = (await withPresets.app.inject('/styles')).json<{
    styles: object[];
    isPartial: boolean;
  }>();
  t.ok(list.isPartial && list.styles.length > 5, 'presets are listed all the same');
  const away = lines.filter(({ msg }) => msg === 'the style store is away');
  t.equal(away.length, 1, 'one line');
  t.match(away[0], { level: 40, store: redis.url, reason: String });
});

t.test('a Redis that is full is told of, and read all the same', { skip }, async (t) => {
  const redis = await startRedis(t, '--maxmemory-policy', 'noeviction');
  const { app, lines } = await start(t, redis.url);
  await put(app, 'used', ['image', picture]);
  await redis.command('CONFIG SET maxmemory 1');
  t.match((await put(app, 'new', ['image', picture])).json(), { code: 'store_unavailable' });
  t.equal((await paint(app, ['style', await photo(40, 40, 9)])).statusCode, 200);
  t.equal((await paint(app, ['styleId', 'used'])).statusCode, 200);
  const said = () =>
    lines.map(({ msg }) => msg).filter((msg) => String(msg).includes('style store'));
  t.same(said(), ['the style store refuses commands']);
  await redis.command('CONFIG SET maxmemory 0');
  t.equal((await put(app, 'new', ['image', picture])).statusCode, 201);
  t.same(said(), ['the style store refuses commands', 'the style store takes commands again']);
});

t.test('pages of other origins register nothing, unless they are named', async (t) => {
  const { app } = await start(t, 'memory:', 0, { ADAIN_CORS_ORIGINS: 'https://a.example' });
  const request = { ...(await form(['image', picture])), url: '/styles' };
  const from = (headers: Record<string, string>) =>
    app.inject({
      ...request,
      headers: { ...request.headers, host: 'styles.example:80', ...headers },
    });
  for (const origin of ['https://evil.example', 'null', 'http://styles.example.evil.example:80']) {
    t.match((await from({ origin })).json(), { status: 403, code: 'read_only', field: 'Origin' });
  }
  t.equal((await from({ origin: 'https://a.example' })).statusCode, 201);
  t.equal((await from({ origin: 'http://styles.example:80' })).statusCode, 200);
  t.equal((await from({ origin: 'https://b', 'sec-fetch-site': 'same-origin' })).statusCode, 200);
});
