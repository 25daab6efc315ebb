import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';

import { form, photo, type Field } from '../support/app.ts';
import { skip, startRedis, startTlsRedis } from '../support/redis.ts';
import { start } from './server-process.ts';

// Two built servers on one store, as replicas are.
const content = await photo(64, 48, 1);
const picture = await photo(60, 60, 7);
const fast = { ADAIN_THREADS: '1', ADAIN_MAX_BATCH: '1', ADAIN_PRESETS: 'none' };
const deadlineSeconds = 20;

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

async function send(url: string, method: string, fields?: Field[]): Promise<Reply> {
  const { headers, payload } = await form(...(fields ?? []));
  const timeout = { 'request-timeout': String(deadlineSeconds) };
  const sent = fields ? { headers: { ...headers, ...timeout }, body: new Uint8Array(payload) } : {};
  const reply = await fetch(url, { method, ...sent });
  return {
    status: reply.status,
    headers: reply.headers,
    body: Buffer.from(await reply.arrayBuffer()),
  };
}
const painting = (...style: Field[]): Field[] => [
  ['content', content],
  ['format', 'png'],
  ...style,
];
const paint = (url: string, ...style: Field[]) =>
  send(`${url}/stylize`, 'POST', painting(...style));
const codeOf = ({ body }: Reply) => (JSON.parse(body.toString()) as { code: string }).code;

async function two(t: Test, ADAIN_STYLE_STORE: string) {
  const environment = { ...fast, ADAIN_STYLE_STORE };
  return Promise.all([start(t, environment), start(t, environment)]);
}

/** Asks until it is so: what is away comes back in its own time. */
async function until(isSo: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 3000; tries++) {
    if (await isSo()) return true;
    await setTimeout(100);
  }
  return false;
}

/** Asks until it is answered: on a busy machine a store is late, and away for a while, and the answer 503. */
async function served(...asked: Parameters<typeof send>): Promise<Reply> {
  for (;;) {
    const reply = await send(...asked);
    if (reply.status !== 503) return reply;
    await setTimeout(100);
  }
}

/** Asks until it is painted: on a busy machine a store is late, and the answer 503, or 404 for an upload. */
async function painted(url: string, id: string): Promise<Reply | undefined> {
  let reply: Reply | undefined;
  await until(async () => {
    const answer = await paint(url, ['styleId', id]);
    if (answer.status === 200) reply = answer;
    return reply !== undefined;
  });
  return reply;
}

async function checkShared(t: Test, one: string, other: string): Promise<void> {
  const uploaded = await paint(one, ['style', picture]);
  const id = uploaded.headers.get('style-id') ?? '';
  const elsewhere = await painted(other, id);
  t.ok(elsewhere, 'an upload to one is known to the other');
  t.ok(elsewhere?.body.equals(uploaded.body), 'and paints the same, byte for byte');
  t.match(elsewhere?.headers.get('server-timing'), /style;desc=hit/, 'without being described');

  t.equal((await served(`${one}/styles/mine`, 'PUT', [['image', picture]])).status, 201);
  const registered = await painted(other, 'mine');
  t.ok(registered?.body.equals(uploaded.body), 'so does a registered style');
  t.equal((await served(`${other}/styles/mine`, 'DELETE')).status, 204);
  const gone = await served(`${one}/stylize`, 'POST', painting(['styleId', 'mine']));
  t.equal(gone.status, 404, 'until the other deletes it');
}

t.test('a folder that two share', async (t) => {
  const folder = t.testdir({});
  const [one, other] = await two(t, `folder:${folder}`);
  await checkShared(t, one.url, other.url);

  // One is killed while it registers; what it has answered lasts.
  const answered: string[] = [];
  let asked = 0;
  const registering = (async () => {
    while (asked < 100) {
      const id = `style-${asked++}`;
      const { status } = await send(`${one.url}/styles/${id}`, 'PUT', [['image', picture]]);
      if (status === 201) answered.push(id);
    }
  })().catch(() => undefined); // its server is killed
  while (answered.length < 5) await setTimeout(5);
  const exited = once(one.server, 'exit');
  one.server.kill('SIGKILL');
  await exited;
  await registering;
  const again = await start(t, { ...fast, ADAIN_STYLE_STORE: `folder:${folder}` });
  for (const url of [again.url, other.url]) {
    const { body } = await served(`${url}/styles`, 'GET');
    const { styles } = JSON.parse(body.toString()) as { styles: { id: string }[] };
    const ids = new Set(styles.map(({ id }) => id));
    t.ok(answered.every((id) => ids.has(id)));
    t.ok(ids.size <= asked);
    for (const id of ids) t.ok(await painted(url, id), id);
  }
  t.equal((await served(`${again.url}/styles/next`, 'PUT', [['image', picture]])).status, 201);
});

t.test('Redis that two share, killed, paused and restarted under load', { skip }, async (t) => {
  const redis = await startRedis(t);
  const [one, other] = await two(t, redis.url);
  await checkShared(t, one.url, other.url);
  t.equal((await served(`${one.url}/styles/lasting`, 'PUT', [['image', picture]])).status, 201);
  const upload = (await paint(one.url, ['style', picture])).headers.get('style-id') ?? '';

  const counts = new Map<string, number>();
  const loading = new AbortController();
  const client = async (number: number) => {
    const { url } = number % 2 === 0 ? one : other;
    for (let i = 0; !loading.signal.aborted; i++) {
      const begun = performance.now();
      const fresh = i % 4 === 0 ? await photo(32, 32, 100 + number + 4 * i) : undefined;
      const kinds: Field[] = [
        ['style', fresh ?? picture],
        ['styleId', upload],
        ['style', picture],
        ['styleId', 'lasting'],
      ];
      const kind = kinds[i % 4] as Field;
      const { status } = await paint(url, kind);
      const seconds = (performance.now() - begun) / 1000;
      counts.set(`${kind[0]} ${status}`, (counts.get(`${kind[0]} ${status}`) ?? 0) + 1);
      if (status >= 500 && status !== 503) t.fail(`${kind[0]} ${status}`);
      if (kind[0] === 'style' && status !== 200) t.fail(`a picture of one's own: ${status}`);
      if (seconds > deadlineSeconds) t.fail(`${seconds} s`);
    }
  };
  const clients = Promise.all([0, 1, 2, 3].map(client));
  const isUp = async (url: string) =>
    (await send(`${url}/metrics`, 'GET')).body.includes('adain_style_store_up{store="redis"} 1');
  const areUp = (up: boolean) =>
    until(async () => (await isUp(one.url)) === up && (await isUp(other.url)) === up);

  await setTimeout(500);
  await redis.kill();
  t.ok(await areUp(false), 'both notice that it is away');
  const refused = await send(`${one.url}/styles/new`, 'PUT', [['image', picture]]);
  t.equal(refused.status, 503);
  t.equal(codeOf(refused), 'store_unavailable');
  t.match(refused.headers.get('retry-after'), /^[1-9]/);
  for (const { url } of [one, other]) {
    t.equal((await send(`${url}/readyz`, 'GET')).status, 200, 'they are ready all the same');
    t.equal((await send(`${url}/styles`, 'GET')).status, 503, 'there are no presets to list');
  }
  await setTimeout(500);

  await redis.start();
  t.ok(await areUp(true), 'and that it is back');
  t.ok(await painted(other.url, upload), 'what it lost comes back by use');
  const { body } = await served(`${one.url}/styles`, 'GET');
  t.same((JSON.parse(body.toString()) as { styles: [] }).styles, [], 'it kept nothing on a disk');

  redis.pause();
  t.ok(await areUp(false), 'both leave it when it is silent');
  redis.resume();
  t.ok(await areUp(true), 'and come back');
  await setTimeout(500);
  loading.abort();
  await clients;
  t.comment(Object.fromEntries(counts));
  await checkShared(t, one.url, other.url);
  for (const { log } of [one, other]) {
    const [away, back] = ['the style store is away', 'the style store is back'];
    const told = () => log.map(({ msg }) => msg).filter((msg) => msg.startsWith('the style store'));
    t.ok(await until(async () => told().at(-1) === back));
    const changes = told();
    t.ok(changes.length >= 4 && changes.length % 2 === 0, `${changes.length} changes`);
    t.ok(
      changes.every((msg, i) => msg === (i % 2 === 0 ? away : back)),
      'one line each',
    );
    t.same(
      log.filter(({ level }) => level >= 50),
      [],
      'no line of an error',
    );
  }
});

t.test('one that is away from the start delays nothing for long', async (t) => {
  const { url, log } = await start(t, { ...fast, ADAIN_STYLE_STORE: 'redis://127.0.0.1:1' });
  t.equal((await paint(url, ['style', picture])).status, 200);
  const away = () => log.filter(({ msg }) => msg === 'the style store is away');
  t.ok(await until(() => Promise.resolve(away().length > 0)));
  t.match(away()[0], { store: 'redis://127.0.0.1:1', reason: /ECONNREFUSED/ });
});

t.test('TLS, and a password', { skip }, async (t) => {
  const { url, certificate } = await startTlsRedis(t, 'secret');
  const environment = { ...fast, ADAIN_STYLE_STORE: url, NODE_EXTRA_CA_CERTS: certificate };
  const [one, other] = [await start(t, environment), await start(t, environment)];
  await checkShared(t, one.url, other.url);
  for (const { log } of [one, other]) t.notMatch(JSON.stringify(log), 'secret');
  // Who does not know its authority does not believe it.
  const stranger = await start(t, { ...fast, ADAIN_STYLE_STORE: url });
  const isAway = () => stranger.log.some(({ msg }) => msg === 'the style store is away');
  t.ok(await until(() => Promise.resolve(isAway())));
  t.notMatch(JSON.stringify(stranger.log), 'secret');
});
