import { mkdtemp, stat, utimes } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';

import { openStore, storePattern } from '../../src/store/index.ts';
import type { StoreOptions, StyleStore } from '../../src/store/types.ts';
import { skip, startRedis } from '../support/redis.ts';
import { image, statistics, storeOptions, style } from './helpers.ts';

const hourMs = 3_600_000;

const places = {
  memory: { skip: false, open: () => Promise.resolve('memory:') },
  folder: {
    skip: false,
    open: async () => `folder:${await mkdtemp(join(tmpdir(), 'styles-'))}/new`,
  },
  redis: { skip, open: async (t: Test) => (await startRedis(t)).url },
} as const;

for (const [name, { skip, open }] of Object.entries(places)) {
  t.test(name, { skip }, async (t) => {
    const place = await open(t);
    const start = async (overrides?: Partial<StoreOptions>) => {
      const store = await openStore(place, storeOptions(overrides));
      t.teardown(() => store.close());
      return store;
    };
    const store = await start();
    t.equal(store.name, name);
    await store.ping();

    t.test('registered styles come, change and go', async (t) => {
      t.equal(await store.getStyle('b'), undefined);
      t.equal(await store.putStyle(style('b'), statistics(1), image(1)), 'created');
      const one = await store.getStyle('b');
      t.same(one, { style: style('b'), statistics: statistics(1) });
      t.same(await store.getImage(style('b')), image(1));

      t.equal(await store.putStyle(style('b', 'two', 4), statistics(2), image(2, 4)), 'replaced');
      t.same(await store.getStyle('b'), { style: style('b', 'two', 4), statistics: statistics(2) });
      t.equal(await store.getImage(style('b', 'one')), undefined, 'of this version alone');
      t.same(await store.getImage(style('b', 'two')), image(2, 4));

      const renamed = { ...style('b', 'two', 4), name: 'New' };
      t.same(await store.setTexts('b', { name: 'New' }), renamed);
      t.same((await store.getStyle('b'))?.style, renamed);
      t.same(await store.setTexts('b', {}), renamed);
      t.equal(await store.setTexts('c', { name: 'New' }), undefined);

      t.equal(await store.deleteStyle('b'), true);
      t.equal(await store.deleteStyle('b'), false);
      t.equal(await store.getStyle('b'), undefined);
      t.same(await store.listStyles('', 10), []);
    });

    t.test('one that is statistics has no picture', async (t) => {
      const { id, name, description, license, version } = style('bare');
      const bare = { id, name, description, license, version };
      await store.putStyle(style('bare'), statistics(1), image(1));
      await store.putStyle(bare, statistics(7));
      t.same(await store.getStyle('bare'), { style: bare, statistics: statistics(7) });
      t.equal(await store.getImage(bare), undefined);
      await store.deleteStyle('bare');
    });

    t.test('they are listed by id, in pages, up to a number', async (t) => {
      for (const id of ['d', 'b', 'a-1', 'a', 'c']) {
        t.equal(await store.putStyle(style(id), statistics(1), image(1)), 'created');
      }
      t.equal(await store.putStyle(style('e'), statistics(1), image(1)), 'full');
      t.equal(await store.putStyle(style('a'), statistics(1), image(1)), 'replaced');
      const ids = async (after: string, limit: number) =>
        (await store.listStyles(after, limit)).map(({ id }) => id);
      t.same(await ids('', 3), ['a', 'a-1', 'b']);
      t.same(await ids('b', 3), ['c', 'd']);
      t.same(await ids('aa', 1), ['b'], 'behind one that is not there, too');
      t.same((await store.listStyles('c', 1))[0], style('d'));
      for (const id of await ids('', 9)) await store.deleteStyle(id);
    });

    if (name === 'memory') {
      t.test('their pictures together have so many bytes at most', async (t) => {
        t.equal(await store.putStyle(style('a'), statistics(1), image(1, 900)), 'created');
        t.equal(await store.putStyle(style('b'), statistics(1), image(1, 200)), 'full');
        t.equal(await store.putStyle(style('a'), statistics(1), image(1, 1000)), 'replaced');
        t.equal(await store.putStyle(style('a'), statistics(1), image(1, 1001)), 'full');
        await store.deleteStyle('a');
        t.equal(await store.putStyle(style('b'), statistics(1), image(1, 1000)), 'created');
      });
      return;
    }

    t.test('uploads are known to others, for a time', async (t) => {
      const other = await start();
      await store.putStatistics('u', statistics(3));
      t.same(await store.getStatistics('u'), statistics(3));
      t.same(await other.getStatistics('u'), statistics(3));
      const brief = await start({ ttlMs: 50 });
      await brief.putStatistics('v', statistics(3));
      await setTimeout(200);
      t.equal(await brief.getStatistics('v'), undefined);
    });

    t.test('another model has statistics of its own, and the same styles', async (t) => {
      const newer = await start({ model: 'b'.repeat(64) });
      await store.putStatistics('u', statistics(3));
      t.equal(await newer.getStatistics('u'), undefined);
      await store.putStyle(style('s'), statistics(1), image(1));
      t.same(await newer.getStyle('s'), { style: style('s'), statistics: undefined });
      t.same(await newer.getImage(style('s')), image(1));
      await newer.describeStyle(style('s', 'other'), statistics(8));
      t.equal((await newer.getStyle('s'))?.statistics, undefined, 'of another version');
      await newer.describeStyle(style('s'), statistics(2));
      t.same((await newer.getStyle('s'))?.statistics, statistics(2));
      t.same(await newer.getImage(style('s')), image(1));
      await newer.describeStyle(style('none'), statistics(2));
      t.equal(await newer.getStyle('none'), undefined);
    });

    t.test('who opens it again finds all of it', async (t) => {
      await store.putStyle(style('kept'), statistics(5), image(5));
      const again = await start();
      t.same(await again.getStyle('kept'), { style: style('kept'), statistics: statistics(5) });
      t.same(await again.getImage(style('kept')), image(5));
    });

    t.test('statistics of another length are none', async (t) => {
      const longer = await start({ statisticsLength: 6 });
      await store.putStatistics('u', statistics(3));
      t.equal(await longer.getStatistics('u'), undefined);
    });
  });
}

t.test('the time of an upload begins anew with each use: folder', async (t) => {
  const folder = t.testdir({});
  const store = await openStore(`folder:${folder}`, storeOptions({ ttlMs: 2 * hourMs }));
  t.teardown(() => store.close());
  await store.putStatistics('u', statistics(3));
  const file = join(folder, 'statistics', storeOptions().model, 'u');
  const hourAgo = (Date.now() - hourMs) / 1000;
  await utimes(file, hourAgo, hourAgo);
  t.ok(await store.getStatistics('u'));
  t.ok((await stat(file)).mtimeMs > Date.now() - hourMs / 2);
});

t.test('the time of an upload begins anew with each use: Redis', { skip }, async (t) => {
  const { url, command } = await startRedis(t);
  const key = `adain:${storeOptions().model}:statistics:u`;
  const left = async () => Number((await command(`PTTL ${key}`)).slice(1));
  const stores = await Promise.all(
    [hourMs, 2 * hourMs].map((ttlMs) => openStore(url, storeOptions({ ttlMs }))),
  );
  t.teardown(() => Promise.all(stores.map((store) => store.close())));
  await stores[0]?.putStatistics('u', statistics(3));
  t.ok((await left()) <= hourMs);
  t.ok(await stores[1]?.getStatistics('u'));
  t.ok((await left()) > hourMs);
});

t.test('what is deleted while it is listed cuts no list short: Redis', { skip }, async (t) => {
  const { url, command } = await startRedis(t);
  const store = await openStore(url, storeOptions());
  t.teardown(() => store.close());
  for (const id of ['a', 'd', 'e']) await store.putStyle(style(id), statistics(1), image(1));
  await command('ZADD adain:styles 0 b 0 c 0 f');
  const ids = async (after: string, limit: number) =>
    (await store.listStyles(after, limit)).map(({ id }) => id);
  t.same(await ids('', 2), ['a', 'd']);
  t.same(await ids('a', 1), ['d']);
  t.same(await ids('', 9), ['a', 'd', 'e']);
  t.same(await ids('e', 1), []);
});

t.test(
  'a replica is left for the new primary, and a lasting one stays: Redis',
  { skip },
  async (t) => {
    const [old, next] = [await startRedis(t), await startRedis(t)];
    const portOf = (url: string) => Number(new URL(url).port);
    let target = portOf(old.url);
    let connections = 0;
    const service = createServer((client) => {
      connections++;
      const server = connect(target, '127.0.0.1');
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        from.on('error', () => to.destroy()).on('close', () => to.destroy());
        from.pipe(to);
      }
    });
    await new Promise<void>((listening) => service.listen(0, '127.0.0.1', listening));
    t.teardown(() => service.close());
    const { port } = service.address() as AddressInfo;
    const open = async () => {
      const store = await openStore(`redis://127.0.0.1:${port}`, storeOptions());
      t.teardown(() => store.close());
      return store;
    };
    const put = (store: StyleStore, id: string) =>
      store.putStyle(style(id), statistics(1), image(1)).catch((error: unknown) => String(error));

    const store = await open();
    t.equal(await put(store, 'a'), 'created');
    await old.command('REPLICAOF 127.0.0.1 1');
    target = portOf(next.url);
    t.match(await put(store, 'b'), /READONLY/);
    while ((await put(store, 'b')) !== 'created') await setTimeout(50);
    t.pass('in the new primary');

    connections = 0;
    target = portOf(old.url);
    const reader = await open();
    t.match(await reader.putStatistics('u', statistics(1)).catch(String), /READONLY/);
    let found = await reader.getStyle('a').catch(() => undefined);
    while (!found) {
      await setTimeout(50);
      found = await reader.getStyle('a').catch(() => undefined);
    }
    t.same(found.style, style('a'));
    for (let writes = 0; writes < 3; writes++) t.match(await put(reader, 'c'), /READONLY/);
    t.same((await reader.getStyle('a'))?.style, style('a'), 'reads go on');
    t.equal(connections, 2, 'it was left once');
  },
);

t.test('a password is in no line of the log', { skip }, async (t) => {
  const { url } = await startRedis(t, '--requirepass', 'secret');
  const place = `${url.replace('//', '//:secret@')}/1`;
  const store = await openStore(place, storeOptions());
  t.teardown(() => store.close());
  await store.ping();
  t.equal(store.place, `${url}/1`);
  const wrong = await openStore(url, storeOptions());
  t.teardown(() => wrong.close());
  await t.rejects(wrong.getStyle('a'), { message: /NOAUTH/ });
  const nobody = await openStore('redis://127.0.0.1:1', storeOptions());
  t.teardown(() => nobody.close());
  await t.rejects(nobody.getStyle('a'), { message: /ECONNREFUSED/ });
});

t.test('what names a store', async (t) => {
  for (const good of ['memory:', 'folder:/a', 'redis://h', 'rediss://u:p%40@h:6380/2']) {
    t.match(good, storePattern);
  }
  for (const bad of ['', 'memory', 'folder:a', 'redis:h', 'http://h', 'redis://h/x', 'redis://']) {
    t.notMatch(bad, storePattern);
  }
});
