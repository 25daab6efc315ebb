import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import promises, {
  mkdir,
  readdir,
  readFile,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';

import { createFolderStore } from '../../src/store/folder.ts';
import { sweep } from '../../src/store/sweep.ts';
import type { StoreOptions } from '../../src/store/types.ts';
import { bundle, plainNode } from '../support/node.ts';
import { image, statistics, storeOptions, style } from './helpers.ts';

const run = promisify(execFile);
const killChild = bundle(new URL('kill-child.ts', import.meta.url));

function open(t: Test, folder: string, overrides?: Partial<StoreOptions>) {
  const store = createFolderStore(folder, storeOptions(overrides));
  t.teardown(() => store.close());
  return store;
}

t.test('killed at any step, it has all of the old or all of the new', async (t) => {
  const before = { style: style('s'), statistics: statistics(1) };
  const works = {
    put: { style: style('s', 'new', 100_000), statistics: statistics(2) },
    texts: { ...before, style: { ...style('s'), name: 'New' } },
    describe: { ...before, statistics: statistics(2) },
    delete: undefined,
    upload: before,
  };
  const root = t.testdir({});
  /** Each in a folder of its own: a lock that is left over is waited for. */
  const attempt = async (work: keyof typeof works, at: number, when: string) => {
    const folder = join(root, `${work}-${at}-${when}`);
    const store = open(t, folder);
    await store.putStyle(before.style, before.statistics, image(1));
    const command = plainNode([killChild, folder, work, String(at), when]);
    const child = await run(...command).catch((error: unknown) => error);
    const { stdout, signal } = child as { stdout: string; signal?: string };
    const through = stdout === 'done';
    if (!through) t.equal(signal, 'SIGKILL', `${work} ${at} ${when}`);

    const found = await store.getStyle('s');
    const after = works[work];
    const states = through ? [after] : [before, after];
    const isOneOf = states.some((state) => JSON.stringify(state) === JSON.stringify(found));
    t.ok(isOneOf, `${work}: whole after a kill ${when} call ${at}`);
    if (found) {
      const bytes = found.style.version === 'new' ? image(2, 100_000) : image(1);
      t.ok((await store.getImage(found.style))?.equals(bytes), 'with its picture');
    }
    t.same(
      (await store.listStyles('', 10)).map(({ id }) => id),
      found ? ['s'] : [],
      'nothing else is listed',
    );
    const next = await store.putStyle(style('s', 'next'), statistics(3), image(3));
    t.equal(next, found ? 'replaced' : 'created', 'and the next one can write');
    t.same((await store.getStyle('s'))?.style.version, 'next');
    return through;
  };
  const allSteps = async (work: keyof typeof works) => {
    let steps = 0;
    for (let isThrough = false; !isThrough;) {
      steps++;
      const both = [attempt(work, steps, 'before'), attempt(work, steps, 'after')];
      isThrough = (await Promise.all(both)).every(Boolean);
    }
    t.ok(steps > 4, `${work} has ${steps - 1} steps`);
  };
  await Promise.all((Object.keys(works) as (keyof typeof works)[]).map(allSteps));
});

t.test(
  'what is done lasts: its folder is synced after it, and the folders of new ones',
  async (t) => {
    const root = t.testdir({});
    const folder = join(root, 'new', 'store');
    const calls: string[] = [];
    const { open: openFile, rename, unlink } = promises;
    t.teardown(() => {
      Object.assign(promises, { open: openFile, rename, unlink });
      syncBuiltinESMExports();
    });
    Object.assign(promises, {
      async open(...given: Parameters<typeof openFile>) {
        const file = await openFile(...given);
        const sync = file.sync.bind(file);
        file.sync = async () => {
          await sync();
          calls.push(`sync ${relative(root, String(given[0]))}`);
        };
        return file;
      },
      async rename(from: string, to: string) {
        await rename(from, to);
        calls.push(`to ${relative(root, to)}`);
      },
      async unlink(path: string) {
        await unlink(path);
        calls.push(`unlink ${relative(root, path)}`);
      },
    });
    syncBuiltinESMExports();
    const store = open(t, folder);
    const asked = async (work: Promise<unknown>) => {
      calls.length = 0;
      await work;
      return calls.filter((call) => !call.includes('/.') && !call.endsWith('/lock'));
    };

    const styles = join('new', 'store', 'styles');
    const put = () => store.putStyle(style('s'), statistics(1), image(1));
    const published = [`to ${join(styles, 's')}`, `sync ${styles}`];
    const made = [`sync ${join('new', 'store')}`, 'sync new', 'sync '];
    t.same(await asked(put()), [...made, ...published]);
    t.same(await asked(put()), published);
    t.same(await asked(store.setTexts('s', { name: 'New' })), published);
    t.same(await asked(store.describeStyle(style('s'), statistics(2))), published);
    t.same(await asked(store.deleteStyle('s')), [`unlink ${join(styles, 's')}`, `sync ${styles}`]);
  },
);

t.test('two processes that write the same ids 200 times leave nothing halved', async (t) => {
  const folder = t.testdir({});
  const store = open(t, folder, { maxStyles: 3 });
  const script = bundle(new URL('write-child.ts', import.meta.url));
  const writers = ['1', '2'].map((seed) =>
    spawn(...plainNode([script, folder, seed]), { stdio: ['ignore', 'inherit', 'inherit'] }),
  );
  const ends = Promise.all(writers.map((writer) => once(writer, 'exit')));
  let seen = 0;
  const writing = new AbortController();
  void ends.then(() => {
    writing.abort();
  });
  while (!writing.signal.aborted) {
    for (const { id } of await store.listStyles('', 10)) {
      const found = await store.getStyle(id);
      if (!found) continue;
      const byte = Number(found.style.version);
      const bytes = await store.getImage(found.style);
      if (bytes && !bytes.equals(image(byte, found.style.picture?.bytes)))
        t.fail('another picture');
      if (found.statistics?.[0] !== byte) t.fail('other statistics');
      if (!['0', found.style.version].includes(found.style.name)) t.fail('other texts');
      seen++;
    }
  }
  t.same(await ends, [
    [0, null],
    [0, null],
  ]);
  t.ok(seen > 10, `looked at while they were written: ${seen}`);
  t.same(
    (await readdir(join(folder, 'styles'))).filter((name) => name.startsWith('.')),
    [],
    'no draft is left',
  );
  t.ok((await store.listStyles('', 10)).length <= 3, 'no more than there may be');
});

t.test('what others have damaged is passed over, and told', async (t) => {
  const folder = t.testdir({});
  const complaints: string[] = [];
  const warn = (complaint: string) => complaints.push(complaint);
  const store = open(t, folder, { warn });
  for (const id of ['cut', 'empty', 'text', 'sound']) {
    await store.putStyle(style(id, 'one', 1000), statistics(1), image(1, 1000));
  }
  const path = (id: string) => join(folder, 'styles', id);
  await truncate(path('cut'), (await stat(path('cut'))).size - 1);
  await truncate(path('empty'), 0);
  await writeFile(path('text'), 'a note\n');
  await mkdir(path('@eaDir'));
  t.same(
    (await store.listStyles('', 10)).map(({ id }) => id),
    ['sound'],
  );
  t.equal(await store.getStyle('cut'), undefined);
  for (const id of ['cut', 'empty', 'text', '@eaDir']) {
    t.ok(
      complaints.some((text) => text.includes(`${path(id)} is no style`)),
      id,
    );
  }
  t.equal(await store.putStyle(style('cut'), statistics(1), image(1)), 'replaced');
  t.ok(await store.getStyle('cut'));
});

t.test('what is written at once is written in turn, and nobody fights for the lock', async (t) => {
  const store = open(t, t.testdir({}));
  await store.putStyle(style('s'), statistics(1), image(1));
  const names = Array.from({ length: 100 }, (_, i) => `name ${i}`);
  const set = await Promise.all(names.map((name) => store.setTexts('s', { name })));
  t.same(
    set.map((style) => style?.name),
    names,
  );
  t.equal((await store.getStyle('s'))?.style.name, 'name 99');
});

t.test('what is over is swept: drafts, uploads that nobody used, and too many', async (t) => {
  const folder = t.testdir({});
  const store = open(t, folder);
  await store.putStyle(style('s'), statistics(1), image(1));
  const hourAgo = Date.now() / 1000 - 3700;
  const models = ['a', 'b'].map((digit) => digit.repeat(64));
  await mkdir(join(folder, 'statistics', models[1] as string), { recursive: true });
  // Systems' own, which the sweep must come past.
  await writeFile(join(folder, 'statistics', '.DS_Store'), '');
  await mkdir(join(folder, 'statistics', '@eaDir', '@eaDir'), { recursive: true });
  for (let i = 0; i < 5; i++) await store.putStatistics(`u${i}`, statistics(i));
  const uploads = join(folder, 'statistics', models[0] as string);
  const files = {
    [join(folder, 'styles', '.s.old')]: hourAgo,
    [join(folder, 'styles', '.s.new')]: Date.now() / 1000,
    [join(uploads, '.u.old')]: hourAgo,
    [join(folder, 'statistics', models[1] as string, 'old')]: hourAgo,
  };
  for (const [path, time] of Object.entries(files)) {
    await writeFile(path, '');
    await utimes(path, time, time);
  }
  for (let i = 0; i < 5; i++) {
    const used = Date.now() / 1000 - (i === 3 ? 100 : 10 * i);
    await utimes(join(uploads, `u${i}`), used, used);
  }
  await sweep(folder, { ttlMs: 60_000, maxUploads: 3 });
  t.same((await readdir(join(folder, 'styles'))).sort(), ['.s.new', 's']);
  t.same((await readdir(uploads)).sort(), ['u0', 'u1', 'u2']);
  t.same(await readdir(join(folder, 'statistics', models[1] as string)), []);
});

t.test('a style is one file, whose first line people can read', async (t) => {
  const folder = t.testdir({});
  await open(t, folder).putStyle(style('s'), statistics(1), image(1));
  const [line = ''] = (await readFile(join(folder, 'styles', 's'), 'utf8')).split('\n');
  t.match(JSON.parse(line), { style: { id: 's', license: 'CC0-1.0' }, imageBytes: 3 });
});
