import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';

import { createLook } from '../../src/stylization/watch-folder.ts';

t.test('a file that is being written is not settled', async (t) => {
  const path = t.testdir({ 'old.png': 'old' });
  const look = createLook({ path, remedy: '' }, new Map(), () => undefined);
  const settled = async () =>
    (await look()).filter(({ isSettled }) => isSettled).map(({ entry }) => entry.id);
  t.same(await settled(), ['old'], 'at the start all are');
  await writeFile(join(path, 'new.png'), 'a');
  t.same(await settled(), ['old']);
  await appendFile(join(path, 'new.png'), 'bc');
  t.same(await settled(), ['old']);
  t.same(await settled(), ['new', 'old']);
});
