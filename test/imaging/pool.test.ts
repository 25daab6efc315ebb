import { setImmediate } from 'node:timers/promises';

import t from 'tap';

import { openContent } from '../../src/imaging/decode.ts';
import { createPool, pool, stuckAfterSeconds } from '../../src/imaging/pool.ts';
import { thumbnail } from '../../src/imaging/thumbnail.ts';
import { noise } from './files.ts';

/** Work that lasts until it is ended. */
function hold() {
  let end = (): void => undefined;
  let begun = false;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const work = () => {
    begun = true;
    return ended;
  };
  return {
    work,
    end,
    get begun() {
      return begun;
    },
  };
}

t.test('pictures take all threads but one, in their order', async (t) => {
  const { run, width } = createPool(3);
  t.equal(width, 2);
  const works = [hold(), hold(), hold(), hold()];
  const runs = works.map(({ work }) => run(work));
  const begun = () => works.map((work) => work.begun);
  await setImmediate();
  t.same(begun(), [true, true, false, false]);
  works[1]?.end();
  await runs[1];
  await setImmediate();
  t.same(begun(), [true, true, true, false]);
  for (const { end } of works) end();
  await Promise.all(runs);
  t.same(begun(), [true, true, true, true]);
});

t.test('what is to run next does not wait behind what waits', async (t) => {
  const { run, runNext } = createPool(1);
  const [first, upload, small] = [hold(), hold(), hold()];
  const runs = [run(first.work), run(upload.work), runNext(small.work)];
  first.end();
  await runs[0];
  await setImmediate();
  t.same([upload.begun, small.begun], [false, true]);
  small.end();
  await runs[2];
  await setImmediate();
  t.ok(upload.begun);
  upload.end();
  await runs[1];
});

t.test('a pool of one thread has none to leave free', async (t) => {
  t.equal(createPool(1).width, 1);
});

t.test('a failure gives its thread on', async (t) => {
  const { run } = createPool(1);
  await t.rejects(
    run(() => Promise.reject(new Error('damaged'))),
    { message: 'damaged' },
  );
  t.equal(await run(() => Promise.resolve('next')), 'next');
});

t.test('what is given up while it waits never begins', async (t) => {
  const { run } = createPool(1);
  const [first, second] = [hold(), hold()];
  const running = run(first.work);
  const given = new AbortController();
  const waiting = run(second.work, given.signal);
  given.abort(new Error('left'));
  first.end();
  await running;
  await t.rejects(waiting, { message: 'left' });
  t.notOk(second.begun);
});

t.test('it is stuck while something is in work for far too long', async (t) => {
  let now = 0;
  const watched = createPool(4, () => now);
  for (const begin of [watched.run, watched.runShort]) {
    const { work, end } = hold();
    const running = begin(work);
    now += stuckAfterSeconds * 1000;
    t.equal(watched.stuck, false);
    now++;
    t.equal(watched.stuck, true);
    t.equal(watched.inWork, 1);
    end();
    await running;
    t.equal(watched.stuck, false);
    t.equal(watched.inWork, 0);
  }
});

t.test('headers are read while decodes fill their share of the pool', async (t) => {
  const bytes = await noise(64, 48).png().toBuffer();
  const works = Array.from({ length: pool.width }, hold);
  const runs = works.map(({ work }) => pool.run(work));
  const content = await openContent(bytes, { maxPixels: 10_000, field: 'content' });
  t.match(content, { width: 64, height: 48 });

  const left = new AbortController();
  const decoding = content.decode(left.signal);
  left.abort(new Error('left'));
  for (const { end } of works) end();
  await Promise.all(runs);
  await t.rejects(decoding, { message: 'left' });
});

t.test('a thumbnail does not wait for all uploads that wait', async (t) => {
  const bytes = await noise(64, 48).png().toBuffer();
  const uploads = Array.from({ length: 20 }, hold);
  const runs = uploads.map(({ work }) => pool.run(work));
  const its = { asked: 0, begun: 0, isMade: false };
  for (const name of ['run', 'runNext'] as const) {
    const inLine = pool[name];
    t.intercept(pool, name, {
      value: (work: () => Promise<unknown>) => {
        its.asked++;
        return inLine(() => {
          its.begun++;
          return work();
        });
      },
    });
  }
  const made = thumbnail(bytes).then(() => {
    its.isMade = true;
  });
  // One ends whenever the thumbnail waits for a thread, however long it takes between.
  for (const upload of uploads) {
    while (its.asked === its.begun && !its.isMade) await setImmediate();
    if (its.isMade) break;
    upload.end();
    await setImmediate();
  }
  t.equal(uploads.at(-1)?.begun, false);
  for (const { end } of uploads) end();
  await Promise.all([made, ...runs]);
});
