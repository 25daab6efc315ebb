import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import t, { type Test } from 'tap';

import type { Engine } from '../../src/engine/index.ts';
import { pool } from '../../src/imaging/pool.ts';
import { createMetrics, type Metrics } from '../../src/observability/metrics.ts';
import { build, form, photo, recorder } from '../support/app.ts';
import { fakeEngine, timed, type FakeEngine } from '../support/fake-engine.ts';
import { gate } from '../support/gate.ts';

// The folder that ADAIN_STYLES_DIR names, as it is found at the start and followed from then on.
const picture = await photo(300, 200);
const other = await photo(200, 300, 2);

/** Starts on a folder. How many pictures were described since is counted. */
async function start(
  t: Test,
  folder: string,
  {
    environment = {},
    engine = {},
    pollMs = 10,
    metrics = createMetrics(),
  }: {
    environment?: object;
    engine?: Partial<FakeEngine>;
    pollMs?: number;
    metrics?: Metrics;
  } = {},
) {
  const { logger, lines } = recorder();
  let descriptions = 0;
  const describe: Engine['describe'] = async (...args) => {
    const described = engine.describe?.(...args) ?? timed(new Float32Array(8).fill(descriptions));
    descriptions++;
    return described;
  };
  const app = await build(
    t,
    { ADAIN_PRESETS: 'none', ADAIN_STYLES_DIR: folder, ...environment },
    // However long the store takes on a busy machine.
    { createEngine: fakeEngine({ ...engine, describe }), logger, pollMs, metrics, storeMs: 60_000 },
  );
  const list = async () => {
    const reply = await app.inject('/styles?limit=1000&kind=preset');
    const { styles } = reply.json<{ styles: { id: string; name: string }[] }>();
    return { ids: styles.map(({ id }) => id), names: styles.map(({ name }) => name), reply };
  };
  const isDescribed = async () => (await app.inject('/readyz')).body === '{"status":"ok"}';
  return {
    ...{ app, lines, list },
    ids: async () => (await list()).ids,
    warnings: () => lines.filter(({ level }) => level === 40).map(({ msg }) => String(msg)),
    descriptions: () => descriptions,
    all: () => until(isDescribed),
  };
}

/** Removed after the service that writes in it has ended, which tap's own are not. */
async function temporary(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'own-styles-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

/** Asks until it is so: a busy machine takes its time. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await setTimeout(5);
}

/** So many bytes for pictures. */
const withMemory = (bytes: number) => ({
  environment: { ADAIN_MEMORY_BYTES: String(2 ** 28), ADAIN_MAX_UPLOAD_BYTES: '1024' },
  engine: { memoryBytes: (7 / 8) * 2 ** 28 - bytes / 0.75 },
});

const same = (found: unknown, wanted: unknown) => JSON.stringify(found) === JSON.stringify(wanted);

t.test('it does without own pictures that cannot be described, and says so', async (t) => {
  const folder = await temporary(t);
  await writeFile(join(folder, 'sound.png'), picture);
  await writeFile(join(folder, 'thin.png'), await photo(40, 8));
  await writeFile(join(folder, 'half.png'), picture.subarray(0, picture.length / 2));
  const { app, ids, warnings, all } = await start(t, folder);
  await all();
  t.same(await ids(), ['sound']);
  t.match(warnings().sort(), [
    /half\.png cannot be used .* The service does without it\.$/,
    /thin\.png cannot be used/,
  ]);
  const content = await photo();
  for (const [id, status] of [
    ['sound', 200],
    ['thin', 404],
  ] as const) {
    const answer = await app.inject(await form(['content', content], ['styleId', id]));
    t.equal(answer.statusCode, status, id);
  }
  t.equal((await app.inject('/styles/thin')).statusCode, 404);
});

t.test('what is no sound picture in the folder is passed over and named', async (t) => {
  const root = await temporary(t);
  const own = join(root, 'own');
  await mkdir(join(own, '..data'), { recursive: true });
  await writeFile(join(root, 'elsewhere.png'), 'outside of the folder');
  await writeFile(join(own, 'text.jpg'), 'no picture');
  for (const name of ['Sound One.png', '..data/from-a-map.png', '._name.JPG', '---.png']) {
    await writeFile(join(own, name), picture);
  }
  await writeFile(join(own, `${'long'.repeat(21)}.png`), picture);
  await writeFile(join(own, 'torn.png'), picture.subarray(0, 20));
  for (const name of ['pipe.png', '../pipe.png']) execFileSync('mkfifo', [join(own, name)]);
  const links = {
    'from-a-map.png': '..data/from-a-map.png', // as Kubernetes mounts a ConfigMap
    'out.png': '../elsewhere.png',
    'pipe-out.png': '../pipe.png',
    'device.png': '/dev/zero',
    'gone.png': 'nowhere.png',
    'loop.png': 'loop.png',
    'folder.png': '..data',
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(own, name));

  const { ids, warnings, all } = await start(t, own);
  await all();
  t.same(await ids(), ['sound-one', 'from-a-map']);
  const told = {
    '---.png': 'gives no style id',
    longlong: 'gives no style id',
    'text.jpg': 'not a picture',
    'torn.png': 'cannot be decoded',
    '/pipe.png': 'it is no file',
    'pipe-out.png': 'it is no file',
    'device.png': 'it is no file',
    'out.png': 'it lies outside of the styles folder',
    'gone.png': 'ENOENT',
    'loop.png': 'ELOOP',
    'folder.png': 'it is a folder',
  };
  t.equal(warnings().length, Object.keys(told).length, 'one line each');
  for (const [name, reason] of Object.entries(told)) {
    const line = warnings().find((text) => text.includes(name) && text.includes(reason));
    t.match(
      line,
      /(Put a sound picture there|Name it with).* The service does without it\.$/,
      name,
    );
  }
});

t.test('so it is with what its catalog.json names', async (t) => {
  const styles = ['../a.png', '/etc/hostname', 'gone.png', 'b.png', 'under/c.png'].map(
    (file, i) => ({ id: `style-${i}`, name: file, file }),
  );
  const own = join(await temporary(t), 'own');
  await mkdir(join(own, 'under'), { recursive: true });
  await writeFile(join(own, 'catalog.json'), JSON.stringify({ styles }));
  for (const name of ['../a.png', 'b.png', 'under/c.png']) {
    await writeFile(join(own, name), picture);
  }
  const { ids, warnings, all } = await start(t, own);
  await all();
  t.same(await ids(), ['style-3', 'style-4']);
  t.match(warnings(), [/a\.png.*outside/, /hostname.*ENOENT/, /gone\.png.*ENOENT/]);
});

t.test('a folder or catalog that cannot be read stops the start', async (t) => {
  await t.rejects(start(t, join(t.testdir({}), 'nowhere')), { message: /nowhere cannot be read/ });
  const torn = t.testdir({ 'catalog.json': '{"styles": [' });
  await t.rejects(start(t, torn), { message: /catalog\.json is not a catalog of styles/ });
});

t.test('an id that a shipped preset has is not taken from it', async (t) => {
  const folder = await temporary(t);
  await writeFile(join(folder, 'mosaic.png'), picture);
  const { ids, warnings, all } = await start(t, folder, {
    environment: { ADAIN_PRESETS: 'shipped' },
  });
  await all();
  t.equal((await ids()).filter((id) => id === 'mosaic').length, 1);
  t.ok(warnings().some((text) => /mosaic\.png is taken by .*styles\/mosaic\.jpg\./.test(text)));
});

t.test('it is ready before its pictures are described, and says what is to come', async (t) => {
  const folder = await temporary(t);
  for (const name of ['one.png', 'two.png']) await writeFile(join(folder, name), picture);
  let go!: () => void;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const describe = () => gate.then(() => timed(new Float32Array(8)));
  const { app, lines, ids, all } = await start(t, folder, { engine: { describe } });
  t.match(
    lines.find(({ msg }) => msg === 'describing presets'),
    { folder, awaited: 2 },
  );
  const ready = await app.inject('/readyz');
  t.equal(ready.statusCode, 200);
  t.match(ready.json(), { status: 'ok', detail: /^2 pictures of ADAIN_STYLES_DIR are still/ });
  t.same(await ids(), []);
  for (const asked of [
    '/styles/one',
    await form(['content', picture], ['styleId', 'one']),
    { ...(await form(['image', picture])), method: 'PUT' as const, url: '/styles/one' },
  ]) {
    const reply = await app.inject(asked);
    t.equal(reply.statusCode, 503);
    t.match(reply.json(), { code: 'not_ready', detail: /^The style one is new and still to be/ });
    t.ok(reply.headers['retry-after']);
  }
  go();
  await all();
  t.same(await ids(), ['one', 'two']);
  t.equal((await app.inject('/styles/one')).statusCode, 200);
});

t.test('closed while it describes, it ends', async (t) => {
  const folder = await temporary(t);
  await writeFile(join(folder, 'one.png'), picture);
  const describe: Engine['describe'] = (_, { signal } = {}) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => {
        reject(new Error('the client closed'));
      });
    });
  const { app, warnings } = await start(t, folder, { engine: { describe } });
  await app.close();
  t.same(warnings(), []);
});

t.test('a fault of the engine is no fault of a picture, which is tried again', async (t) => {
  const folder = await temporary(t);
  await writeFile(join(folder, 'one.png'), picture);
  let tries = 0;
  const describe: Engine['describe'] = () =>
    ++tries < 5
      ? Promise.reject(new Error('the device failed'))
      : Promise.resolve(timed(new Float32Array(8)));
  const { ids, warnings, all } = await start(t, folder, { engine: { describe } });
  await all();
  t.same(await ids(), ['one']);
  t.match(warnings(), [/^New presets of .* cannot be described now \(the device failed\)\. They/]);
});

t.test('a picture for which there is no memory is passed over', async (t) => {
  const folder = await temporary(t);
  await writeFile(join(folder, 'large.png'), await photo(600, 600));
  await writeFile(join(folder, 'small.png'), await photo(32, 32));
  const { ids, warnings, all } = await start(t, folder, withMemory(10.5e6));
  await all();
  t.same(await ids(), ['small']);
  t.match(warnings(), [/large\.png cannot be used \(This picture takes more memory than there is/]);
});

t.test('a file that was removed a moment ago is that of no style', async (t) => {
  const folder = await temporary(t);
  await writeFile(join(folder, 'one.png'), picture);
  const { app, lines, all } = await start(t, folder, { pollMs: 2 ** 30 });
  await all();
  await rm(join(folder, 'one.png'));
  for (const of of ['image', 'thumbnail']) {
    const reply = await app.inject(`/styles/one/${of}`);
    t.match(reply.json(), { status: 404, code: 'unknown_style', detail: /has just been removed/ });
    t.equal(reply.headers['cache-control'], 'no-store');
  }
  t.same(
    lines.filter(({ level }) => Number(level) >= 40),
    [],
  );
});

t.test('pictures are counted for as long as they are read', async (t) => {
  const folder = await temporary(t);
  const heavy = Buffer.concat([picture, Buffer.alloc(24 * 2 ** 20)]);
  for (const name of ['one.png', 'two.png']) await writeFile(join(folder, name), heavy);
  const { app, all } = await start(t, folder, withMemory(40e6));
  await all();
  const held = async () => {
    const { body } = await app.inject('/metrics');
    return Number(/adain_memory_held_bytes{part="pictures"} (.*)/.exec(body)?.[1]);
  };
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const slow = connect(Number(new URL(url).port), '127.0.0.1');
  slow.write('GET /styles/one/image HTTP/1.1\r\nhost: a\r\n\r\n');
  await once(slow, 'readable');
  t.equal(await held(), heavy.length);
  const headers = { 'request-timeout': '0.2' };
  const late = await fetch(`${url}/styles/two/image`, { headers });
  t.match(await late.json(), { code: 'deadline_exceeded' }, 'there is no room for another');
  slow.destroy();
  for (const of of ['image', 'thumbnail']) {
    t.equal((await app.inject(`/styles/two/${of}`)).statusCode, 200, of);
  }
  await until(async () => (await held()) === 0);
  t.equal((await app.inject('/styles/one/image')).rawPayload.length, heavy.length);
});

t.test('of those who ask for a new thumbnail at once one holds memory', async (t) => {
  const folder = await temporary(t);
  for (const name of ['one.png', 'two.png']) await writeFile(join(folder, name), picture);
  const metrics = createMetrics();
  const { app, all } = await start(t, folder, { metrics });
  await all();
  const held: number[] = [];
  t.intercept(metrics.memoryHeld, 'set', {
    value: ({ part }: { part: string }, bytes: number) => {
      if (part === 'pictures') held.push(bytes);
    },
  });
  await app.inject('/styles/two/thumbnail');
  const one = Math.max(...held);

  const { open, opened } = gate();
  const decoders = Array.from({ length: pool.width }, () => pool.run(() => opened));
  const asking = Array.from({ length: 8 }, () => app.inject('/styles/one/thumbnail'));
  await until(() => Math.max(...held) >= 2 * one && held.at(-1) === one);
  open();
  await Promise.all(decoders);
  for (const reply of await Promise.all(asking)) t.equal(reply.statusCode, 200);
  await until(() => held.at(-1) === 0);
});

t.test('a file that is replaced before that is seen leaves no thumbnail behind', async (t) => {
  const folder = await temporary(t);
  const path = join(folder, 'one.png');
  await writeFile(path, picture);
  const { app, all } = await start(t, folder, { pollMs: 2 ** 30 });
  await all();
  const thumbnail = async () =>
    sharp((await app.inject('/styles/one/thumbnail')).rawPayload).metadata();
  await writeFile(path, other);
  t.match(await thumbnail(), { width: 171, height: 256 });
  await writeFile(path, picture);
  t.match(await thumbnail(), { width: 256, height: 171 });
});

t.test('a picture that was described where there was more memory', async (t) => {
  const folder = await temporary(t);
  await writeFile(
    join(folder, 'wide.webp'),
    await sharp(await photo(2000, 1000))
      .webp()
      .toBuffer(),
  );
  await writeFile(join(folder, 'long.png'), Buffer.concat([picture, Buffer.alloc(12e6)]));
  const first = await start(t, folder);
  await first.all();
  await first.app.close();
  const { app, ids } = await start(t, folder, withMemory(11e6));
  t.same(await ids(), ['long', 'wide']);
  for (const [url, status] of [
    ['long/image', 422],
    ['long/thumbnail', 422],
    ['wide/image', 200],
    ['wide/thumbnail', 422],
  ] as const) {
    const reply = await app.inject(`/styles/${url}`);
    t.equal(reply.statusCode, status, url);
    if (status === 422) t.match(reply.json(), { code: 'too_many_pixels', detail: /more memory/ });
  }
});

t.test('the next start describes nothing that is in the folder’s file', async (t) => {
  const folder = await temporary(t);
  for (const name of ['one.png', 'two.png']) await writeFile(join(folder, name), picture);
  await writeFile(join(folder, 'three.png'), other);
  const statisticsOf = async ({ app }: Awaited<ReturnType<typeof start>>, id: string) =>
    (await app.inject(`/styles/${id}/statistics`)).rawPayload;
  const first = await start(t, folder);
  await first.all();
  t.equal(first.descriptions(), 3);
  const statistics = await statisticsOf(first, 'three');
  await first.app.close();

  const second = await start(t, folder);
  t.same(await second.ids(), ['one', 'three', 'two'], 'all are there when it is ready');
  t.match(
    second.lines.find(({ msg }) => msg === 'ready to paint'),
    { presets: 3 },
  );
  t.equal(second.descriptions(), 0);
  t.ok((await statisticsOf(second, 'three')).equals(statistics), 'to the bit');
  await second.app.close();

  await utimes(join(folder, 'one.png'), 1, 1);
  await rename(join(folder, 'two.png'), join(folder, 'renamed.png'));
  const third = await start(t, folder);
  await third.all();
  t.same(await third.ids(), ['one', 'renamed', 'three']);
  t.equal(third.descriptions(), 0, 'a picture is known by its bytes');
  await third.app.close();

  const file = join(folder, '.adain', 'statistics');
  const kept = await readFile(file);
  const another = fakeEngine()({} as never).then(({ model }) => ({
    ...model,
    digest: '1'.repeat(64),
  }));
  const changes: [string, () => Promise<object>][] = [
    ['another model', async () => ({ engine: { model: await another } })],
    ['another size', async () => ({ environment: { ADAIN_STYLE_SIZE: '256' } })],
    ['cut short', () => writeFile(file, kept.subarray(0, -1)).then(() => ({}))],
    ['a flipped bit', () => writeFile(file, flipped(kept)).then(() => ({}))],
    ['empty', () => writeFile(file, '').then(() => ({}))],
  ];
  for (const [what, change] of changes) {
    await writeFile(file, kept);
    const again = await start(t, folder, await change());
    await again.all();
    t.equal(again.descriptions(), 3, what);
    t.match(
      again.lines.find(({ msg }) => msg === 'presets are described anew'),
      { file },
      what,
    );
    await again.app.close();
  }
});

function flipped(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed[changed.length - 2] = (changed.at(-2) ?? 0) ^ 1;
  return changed;
}

t.test('where the folder cannot be written, the store keeps them', async (t) => {
  const root = await temporary(t);
  const folder = join(root, 'own');
  await mkdir(folder);
  await writeFile(join(folder, '.adain'), 'a file, in which no other can be');
  await writeFile(join(folder, 'one.png'), picture);
  const environment = { ADAIN_STYLE_STORE: `folder:${join(root, 'store')}` };
  for (const [descriptions, stored] of [
    [1, true],
    [0, true],
    [1, false],
  ] as const) {
    const { app, lines, all, ...now } = await start(t, folder, stored ? { environment } : {});
    await all();
    t.same(await now.ids(), ['one']);
    t.equal(now.descriptions(), descriptions);
    const isTold = () =>
      lines.some(({ msg }) => /cannot be written: (they|the n)/.test(String(msg)));
    await until(isTold);
    await app.close();
  }
});

t.test('the folder is followed', async (t) => {
  const folder = await temporary(t);
  const path = (name: string) => join(folder, name);
  /** In one step: half a file that is seen twice is one of the broken. */
  const put = async (name: string, content: Buffer | string) => {
    await writeFile(`${folder}.draft`, content);
    await rename(`${folder}.draft`, path(name));
  };
  await put('one.png', picture);
  const { app, lines, list, ids, warnings, descriptions, all } = await start(t, folder);
  await all();
  const lists = (...wanted: string[]) => until(async () => same(await ids(), wanted));
  const etags = new Set<unknown>();
  const tag = async () => etags.add((await list()).reply.headers.etag);
  const thumbnail = async (id: string) => (await app.inject(`/styles/${id}/thumbnail`)).rawPayload;
  await tag();

  await put('two.png', other);
  await lists('one', 'two');
  t.pass('a new picture is listed');
  await tag();

  const before = await thumbnail('one');
  await put('one.png', other);
  await until(async () => !(await thumbnail('one')).equals(before));
  t.equal(descriptions(), 2, 'a replaced one is shown anew, and known from elsewhere');
  t.match((await app.inject('/styles/one')).json(), { width: 200, height: 300 });
  await tag();

  await put('broken.png', picture.subarray(0, 50));
  await until(() => warnings().length > 0);
  t.match(warnings(), [/broken\.png cannot be used .*damaged.* The service does without it/]);
  await put('broken.png', picture);
  await lists('broken', 'one', 'two');
  t.pass('a broken one is a warning, until it is mended');
  await tag();

  await put('two.png', 'no picture any more');
  await lists('broken', 'one');
  await rm(path('one.png'));
  await lists('broken');
  t.equal((await app.inject('/styles/one')).statusCode, 404, 'a deleted one is gone');
  await tag();

  const styles = [{ id: 'named', file: 'broken.png', name: 'A name' }];
  await put('catalog.json', JSON.stringify({ styles }));
  await lists('named');
  await put('catalog.json', JSON.stringify({ styles: [{ ...styles[0], name: 'New' }] }));
  await until(async () => same((await list()).names, ['New']));
  t.equal(descriptions(), 3, 'a catalog changes names, not pictures');
  await tag();

  await put('catalog.json', '{');
  await until(() => warnings().some((text) => text.includes('catalog.json is not a catalog')));
  t.same(await ids(), ['named'], 'a broken catalog changes nothing');
  await rename(folder, `${folder}-away`);
  await until(() => warnings().some((text) => /cannot be read .* stay as they are\.$/.test(text)));
  t.same(await ids(), ['named'], 'nor does a folder that is away');
  await rename(`${folder}-away`, folder);
  await rm(path('catalog.json'));
  await lists('broken');
  t.equal(etags.size, 6, 'each change of the list is one of its tag');

  const told = new Set(warnings());
  t.equal(warnings().length, told.size, 'nothing is told twice');
  t.match(
    lines.find(({ msg, added }) => msg === 'presets have changed' && same(added, ['two'])),
    { folder, presets: 2 },
  );
});

t.test('a preset with the id of a registered style takes its place in the pages', async (t) => {
  const folder = await temporary(t);
  const { app, ids } = await start(t, folder);
  for (const id of ['a', 'b', 'c', 'd']) {
    const registering = { ...(await form(['image', picture])), method: 'PUT' as const };
    t.equal((await app.inject({ ...registering, url: `/styles/${id}` })).statusCode, 201);
  }
  for (const id of ['a', 'c']) await writeFile(join(folder, `${id}.png`), picture);
  await until(async () => (await ids()).length === 2);
  for (const limit of [1, 2, 3, 4]) {
    const seen: string[] = [];
    let next: string | undefined = `/styles?limit=${limit}`;
    while (next && seen.length < 9) {
      const page: { styles: { id: string }[]; links: { next?: string } } = (
        await app.inject(next)
      ).json();
      seen.push(...page.styles.map(({ id }) => id));
      next = page.links.next;
    }
    t.same(seen, ['a', 'c', 'b', 'd'], `pages of ${limit}`);
  }
});
