import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';

import { listFolder, stampOf } from '../../src/stylization/catalog.ts';
import { photo } from '../support/app.ts';

async function list(path: string, taken?: ReadonlyMap<string, { path: string }>) {
  const complaints: string[] = [];
  const complain = ({ message }: Error) => complaints.push(message);
  const entries = await listFolder({ path, remedy: 'Do so.' }, complain, taken);
  return { entries, ids: [...entries.keys()], complaints };
}

t.test('a folder without a catalog: ids from file names, in their order', async (t) => {
  const picture = await photo(40, 30);
  const folder = t.testdir({ 'notes.txt': 'not a picture' });
  for (const name of ['b.JPG', 'Starry Night (1889).png', 'a.webp']) {
    await writeFile(join(folder, name), picture);
  }
  const { entries, ids, complaints } = await list(folder);
  t.same(ids, ['starry-night-1889', 'a', 'b']);
  t.same(entries.get('starry-night-1889'), {
    id: 'starry-night-1889',
    name: 'Starry Night (1889)',
    description: '',
    license: 'unknown',
    path: join(folder, 'Starry Night (1889).png'),
  });
  t.same(complaints, []);
});

t.test('names that begin with a dot, and folders, are passed over without a word', async (t) => {
  const folder = t.testdir({ '.hidden.png': '', '._a.jpg': '', 'album.jpg': {}, 'a.png': '' });
  const { ids, complaints } = await list(folder);
  t.same(ids, ['a']);
  t.same(complaints, []);
});

t.test('a folder with a catalog: only what it names, in its order', async (t) => {
  const styles = [
    { id: 'two', file: 'b.png', name: 'Two' },
    { id: 'one', file: 'under/a.png', name: 'One', description: 'First', license: 'CC0-1.0' },
  ];
  const folder = t.testdir({ 'catalog.json': JSON.stringify({ styles }), 'c.png': '' });
  const { entries, ids } = await list(folder);
  t.same(ids, ['two', 'one']);
  t.same(entries.get('one'), {
    id: 'one',
    name: 'One',
    description: 'First',
    license: 'CC0-1.0',
    path: join(folder, 'under/a.png'),
  });
  t.match(entries.get('two'), { description: '', license: 'unknown' });
});

t.test('a folder or catalog that cannot be read is named, with the remedy', async (t) => {
  await t.rejects(list(join(t.testdir({}), 'nowhere')), {
    message: /nowhere cannot be read \(ENOENT: .*\)\. Do so\.$/,
  });
  const wrong = t.testdir({ 'catalog.json': '{"styles": [{"id": "Not An Id"}]}' });
  await t.rejects(list(wrong), {
    message:
      /catalog\.json is not a catalog of styles .*\n✖ Expected lower-case letters.*\n.* at styles\[0\]\.id/,
  });
  const torn = t.testdir({ 'catalog.json': '{"styles": [' });
  await t.rejects(list(torn), { message: /catalog\.json is not .*\nUnexpected end of JSON/ });
  const piped = t.testdir({});
  execFileSync('mkfifo', [join(piped, 'catalog.json')]);
  await t.rejects(list(piped), { message: /catalog\.json is not .*\nit is no file/ });
});

t.test('a name that gives no id, and an id that is taken, are complained of', async (t) => {
  const folder = t.testdir({ '---.png': '', 'A b.png': '', 'a-b.png': '', 'mosaic.jpg': '' });
  const taken = new Map([['mosaic', { path: '/shipped/mosaic.jpg' }]]);
  const { entries, complaints } = await list(folder, taken);
  t.same(
    [...entries.values()].map(({ path }) => path),
    [join(folder, 'A b.png')],
  );
  t.match(complaints, [
    /---\.png gives no style id\. Name it with letters/,
    /style id a-b of .*\/a-b\.png is taken by .*\/A b\.png\. Choose another: /,
    /style id mosaic of .*mosaic\.jpg is taken by \/shipped\/mosaic\.jpg\. Choose another/,
  ]);
});

t.test('the stamp of a file changes with it', async (t) => {
  const path = join(t.testdir({ 'a.png': 'one' }), 'a.png');
  const stamp = await stampOf(path);
  t.equal(await stampOf(path), stamp);
  await writeFile(path, 'longer');
  t.not(await stampOf(path), stamp);
});
