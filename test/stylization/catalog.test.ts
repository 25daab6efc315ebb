import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';

import { loadCatalog, type StylesFolder } from '../../src/stylization/catalog.ts';
import { photo } from '../support/app.ts';

const folders = (required: boolean, paths: string[]) =>
  paths.map((path): StylesFolder => ({ path, remedy: 'Do so.', required }));
const read = (...paths: string[]) =>
  loadCatalog(folders(true, paths), (complaint) => t.fail(complaint));

/** The operator's own folder: the ids that are there, and what was warned of. */
async function readOwn(path: string): Promise<[ids: string[], warnings: string[]]> {
  const warnings: string[] = [];
  const catalog = await loadCatalog(folders(false, [path]), (text) => warnings.push(text));
  return [[...catalog.keys()], warnings];
}

t.test('a folder without a catalog: ids from file names', async (t) => {
  const folder = t.testdir({ 'notes.txt': 'not a picture' });
  await writeFile(join(folder, 'Starry Night (1889).png'), await photo(40, 30));
  const catalog = await read(folder);
  t.same([...catalog.keys()], ['starry-night-1889']);
  t.match(catalog.get('starry-night-1889'), {
    name: 'Starry Night (1889)',
    width: 40,
    height: 30,
    mediaType: 'image/png',
  });
});

t.test('a folder with a catalog: only what it names', async (t) => {
  const styles = [
    { id: 'one', file: 'a.png', name: 'One', description: 'First', license: 'CC0-1.0' },
  ];
  const folder = t.testdir({ 'catalog.json': JSON.stringify({ styles }) });
  await writeFile(join(folder, 'a.png'), await photo());
  await writeFile(join(folder, 'b.png'), await photo());
  const catalog = await read(folder);
  t.same([...catalog.keys()], ['one']);
  t.match(catalog.get('one'), { name: 'One', description: 'First', license: 'CC0-1.0' });
});

t.test('what is wrong is named, with the file', async (t) => {
  const bad = t.testdir({ 'bad.png': 'not a picture' });
  await t.rejects(read(bad), {
    message: /bad\.png cannot be used \(The file is not a picture .*\)\. Put a sound picture there/,
  });

  await t.rejects(read(join(bad, 'nowhere')), {
    message: /nowhere cannot be read \(ENOENT: .*\)\. Do so\.$/,
  });

  const wrong = t.testdir({ 'catalog.json': '{"styles": [{"id": "Not An Id"}]}' });
  await t.rejects(read(wrong), {
    message:
      /catalog\.json is not a catalog of styles .*\n✖ Expected lower-case letters.*\n.* at styles\[0\]\.id/,
  });

  const torn = t.testdir({ 'catalog.json': '{"styles": [' });
  await t.rejects(read(torn), { message: /catalog\.json is not .*\nUnexpected end of JSON/ });

  const gone = t.testdir({
    'catalog.json': '{"styles": [{"id": "gone", "name": "Gone", "file": "gone.png"}]}',
  });
  await t.rejects(read(gone), { message: /gone\.png cannot be used \(ENOENT: .*catalog\.json/ });

  const unnamed = t.testdir({});
  await writeFile(join(unnamed, '---.png'), await photo());
  await t.rejects(read(unnamed), { message: /---\.png gives no style id\. Name it with letters/ });

  const piped = t.testdir({});
  execFileSync('mkfifo', [join(piped, 'catalog.json')]);
  await t.rejects(read(piped), { message: /catalog\.json is not .*\nit is no file/ });
});

t.test('in the own folder, what is no sound picture is passed over and named', async (t) => {
  const folder = t.testdir({
    'elsewhere.png': 'outside of the folder',
    'pipes.png': 'outside too',
    own: { 'folder.jpg': {}, 'text.jpg': 'no picture', '..data': {} },
  });
  const own = join(folder, 'own');
  const picture = await photo();
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
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(own, name));

  const [ids, warnings] = await readOwn(own);
  t.same(ids.sort(), ['from-a-map', 'sound-one']);
  const told = {
    '._name.JPG': 'its name begins with a dot',
    '---.png': 'gives no style id',
    longlong: 'gives no style id',
    'folder.jpg': 'it is a folder',
    'text.jpg': 'not a picture',
    'torn.png': 'cannot be decoded',
    '/pipe.png': 'it is no file',
    'pipe-out.png': 'it is no file',
    'device.png': 'it is no file',
    'out.png': 'it lies outside of the styles folder',
    'gone.png': 'ENOENT',
    'loop.png': 'ELOOP',
  };
  t.equal(warnings.length, Object.keys(told).length, 'one line each');
  for (const [name, reason] of Object.entries(told)) {
    const line = warnings.find((text) => text.includes(name) && text.includes(reason));
    t.match(
      line,
      /(Put a sound picture there|Name it with).* The service starts without it\.$/,
      name,
    );
  }
});

t.test('so it is with what its catalog.json names', async (t) => {
  const styles = ['../a.png', '/etc/hostname', 'gone.png', 'b.png', 'under/c.png'].map(
    (file, i) => ({
      id: `style-${i}`,
      name: file,
      file,
    }),
  );
  const folder = t.testdir({ own: { 'catalog.json': JSON.stringify({ styles }), under: {} } });
  const own = join(folder, 'own');
  for (const name of ['../a.png', 'b.png', 'under/c.png']) {
    await writeFile(join(own, name), await photo());
  }
  const [ids, warnings] = await readOwn(own);
  t.same(ids, ['style-3', 'style-4']);
  t.match(warnings, [/a\.png.*outside/, /hostname.*ENOENT/, /gone\.png.*ENOENT/]);
  await t.rejects(read(own), { message: /hostname cannot be used \(ENOENT/ }, 'and not if shipped');
});

t.test('an own folder or catalog that cannot be read stops the start all the same', async (t) => {
  await t.rejects(readOwn(join(t.testdir({}), 'nowhere')), { message: /nowhere cannot be read/ });
  const torn = t.testdir({ 'catalog.json': '{"styles": [' });
  await t.rejects(readOwn(torn), { message: /catalog\.json is not a catalog of styles/ });
});

t.test('an id that two folders use is refused, not shadowed', async (t) => {
  const both = [t.testdir({ a: {}, b: {} })].flatMap((dir) => [join(dir, 'a'), join(dir, 'b')]);
  for (const folder of both) await writeFile(join(folder, 'same.png'), await photo());
  await t.rejects(read(...both), {
    message: /style id same of .*b.same\.png is taken by .*a.same\.png\. Choose another: /,
  });
});
