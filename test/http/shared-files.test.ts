import { rm } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import t from 'tap';

import { createSharedFiles } from '../../src/http/shared-files.ts';

const answer = () => new PassThrough();

t.test('a file is in memory once for all who are being sent it, and no longer', async (t) => {
  const path = `${t.testdir({ file: 'picture' })}/file`;
  const read = createSharedFiles();
  const answers = [answer(), answer()] as const;
  const [first, second] = await Promise.all(answers.map((one) => read(path, one)));
  t.equal(String(first), 'picture');
  t.equal(first, second, 'the same bytes');
  await rm(path);
  answers[0].destroy();
  const late = answer();
  t.equal(await read(path, late), first, 'they are there while one reads');
  answers[1].destroy();
  late.destroy();
  await new Promise(setImmediate);
  await t.rejects(read(path, answer()), { code: 'ENOENT' });
});
