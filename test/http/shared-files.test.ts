import { rm } from 'node:fs/promises';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import t from 'tap';

import { createSharedFiles } from '../../src/http/shared-files.ts';

const answer = () => new ServerResponse(new IncomingMessage(new Socket()));

t.test('a file is in memory once for all who are being sent it, and no longer', async (t) => {
  const path = `${t.testdir({ file: 'picture' })}/file`;
  const read = createSharedFiles();
  const answers = [answer(), answer()] as const;
  const [first, second] = await Promise.all(answers.map((one) => read(path, one)));
  t.equal(String(first), 'picture');
  t.equal(first, second, 'the same bytes');
  await rm(path);
  answers[0].emit('close');
  const late = answer();
  t.equal(await read(path, late), first, 'they are there while one reads');
  answers[1].emit('close');
  late.req.socket.emit('close');
  await t.rejects(read(path, answer()), { code: 'ENOENT' });
});
