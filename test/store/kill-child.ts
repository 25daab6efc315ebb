/**
 * Does one thing to a folder of styles, and kills itself as `kill -9` does before or after the n-th
 * call to the file system. Says `done` if it got through.
 */
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

import { image, statistics, storeOptions, style } from './helpers.ts';

const [folder = '', work = '', at = '', when = ''] = process.argv.slice(2);
let calls = 0;

function dying<A extends unknown[], R>(call: (...given: A) => Promise<R>) {
  return async (...given: A): Promise<R> => {
    calls++;
    const isTurn = calls === Number(at);
    if (isTurn && when === 'before') process.kill(process.pid, 'SIGKILL');
    const result = await call(...given);
    if (isTurn && when === 'after') process.kill(process.pid, 'SIGKILL');
    return result;
  };
}

const { createFolderStore } = await import('../../src/store/folder.ts');
const store = createFolderStore(folder, storeOptions());
await store.listStyles('', 1); // with its first sweep behind it
await store.close();

for (const name of [
  'mkdir',
  'rename',
  'unlink',
  'stat',
  'readdir',
  'readFile',
  'utimes',
] as const) {
  promises[name] = dying(promises[name] as never) as never;
}
const { open } = promises;
promises.open = dying(async (...given: Parameters<typeof open>) => {
  const file = await open(...given);
  file.writeFile = dying(file.writeFile.bind(file) as never) as never;
  file.sync = dying(file.sync.bind(file));
  file.close = dying(file.close.bind(file));
  return file;
});
syncBuiltinESMExports();

switch (work) {
  case 'put':
    await store.putStyle(style('s', 'new', 100_000), statistics(2), image(2, 100_000));
    break;
  case 'texts':
    await store.setTexts('s', { name: 'New' });
    break;
  case 'describe':
    await store.describeStyle(style('s'), statistics(2));
    break;
  case 'delete':
    await store.deleteStyle('s');
    break;
  case 'upload':
    await store.putStatistics('u', statistics(2));
    break;
}
process.stdout.write('done');
