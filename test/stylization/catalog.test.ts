import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';

import { loadCatalog, type StylesFolder } from '../../src/stylization/catalog.ts';
import { photo } from '../support/app.ts';

const read = (...paths: string[]) =>
  loadCatalog(paths.map((path): StylesFolder => ({ path, remedy: 'Do so.' })));

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
  await t.rejects(read(unnamed), { message: /---\.png gives no style id/ });
});

t.test('an id that two folders use is refused, not shadowed', async (t) => {
  const folders = [t.testdir({ a: {}, b: {} })].flatMap((dir) => [join(dir, 'a'), join(dir, 'b')]);
  for (const folder of folders) await writeFile(join(folder, 'same.png'), await photo());
  await t.rejects(read(...folders), {
    message: /style id same of .*b.same\.png is taken by .*a.same\.png\. Choose another: /,
  });
});
