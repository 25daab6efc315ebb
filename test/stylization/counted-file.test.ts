import { setImmediate } from 'node:timers/promises';
import t from 'tap';

import { createMemoryBudget } from '../../src/memory-budget.ts';
import { openCounted } from '../../src/stylization/counted-file.ts';

const { signal } = new AbortController();

t.test('nothing is read before there is memory, nor held by who waits for more', async (t) => {
  const path = `${t.testdir({ file: 'ten bytes.' })}/file`;
  const { forRequest, pictures } = createMemoryBudget(100 / 0.75, () => undefined);
  const [painting, reading, other] = [forRequest(), forRequest(), forRequest()];
  const heldAt: number[] = [];
  const open = (bytes: Buffer) => {
    // Another comes between, who needs all that there is.
    if (heldAt.length === 0) all = other.paint(100, signal);
    heldAt.push(pictures.held);
    return Promise.resolve({ bytes, workBytes: 60 });
  };
  let all: Promise<void> | undefined;

  await painting.paint(95, signal);
  const opening = openCounted(path, open, { memory: reading, signal });
  for (let i = 0; i < 20; i++) await setImmediate();
  t.same(heldAt, []);
  painting.release();
  while (!all) await setImmediate();
  await all;
  t.same(heldAt, [10]);
  other.release();
  const opened = await opening;
  t.equal(String(opened.bytes), 'ten bytes.');
  t.same(heldAt, [10, 70]);
  reading.release();

  await t.rejects(
    openCounted(path, () => Promise.resolve({ workBytes: 91 }), { memory: reading, signal }),
    { code: 'too_many_pixels' },
  );
  t.equal(pictures.held, 0);
});

t.test('what needs no work is read once', async (t) => {
  const path = `${t.testdir({ file: 'ten bytes.' })}/file`;
  const memory = createMemoryBudget(100, () => undefined).forRequest();
  let times = 0;
  const open = () => Promise.resolve({ workBytes: 0, times: ++times });
  t.equal((await openCounted(path, open, { memory, signal })).times, 1);
});
