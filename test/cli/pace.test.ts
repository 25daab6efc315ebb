import t from 'tap';

import { eachAtPace } from '../../src/cli/pace.ts';
import { gate } from '../support/gate.ts';

/** Work that ends when it is told to, and what is in work. */
function held(count: number) {
  const items = Array.from({ length: count }, (_, index) => ({ index, ...gate() }));
  const begun: number[] = [];
  let inWork = 0;
  let busy: (seconds: number) => void = () => undefined;
  const work = async (item: (typeof items)[number], tellBusy: typeof busy) => {
    busy = tellBusy;
    begun.push(item.index);
    inWork++;
    await item.opened;
    inWork--;
  };
  const turns = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  };
  return {
    ...{ items, begun, work, turns },
    busy: (seconds: number) => {
      busy(seconds);
    },
    inWork: () => inWork,
    end: async (...which: number[]) => {
      for (const index of which) items[index]?.open();
      await turns();
    },
  };
}

t.test('so many at once, and the next when one has ended', async (t) => {
  const { items, begun, work, turns, end, inWork } = held(6);
  const { signal } = new AbortController();
  const all = eachAtPace(items, { most: 2, signal }, work);
  await turns();
  t.same(begun, [0, 1]);
  await end(1);
  t.same(begun, [0, 1, 2]);
  await end(0, 2);
  t.equal(inWork(), 2);
  await end(3, 4, 5);
  await all;
  t.same(begun, [0, 1, 2, 3, 4, 5]);
});

t.test('after a refusal half as many, and slowly more again', async (t) => {
  const { items, work, turns, end, inWork, busy } = held(40);
  const { signal } = new AbortController();
  const all = eachAtPace(items, { most: 8, signal }, work);
  await turns();
  t.equal(inWork(), 8);
  busy(0.2);
  busy(0.2); // of the same moment
  await new Promise((resolve) => setTimeout(resolve, 250));
  await end(0, 1, 2, 3);
  t.equal(inWork(), 4);
  await end(4, 5, 6, 7);
  t.equal(inWork(), 4, 'as many as half');
  await end(8, 9, 10);
  t.equal(inWork(), 5, 'and one more after ten');
  const rest = Array.from({ length: 29 }, (_, index) => index + 11);
  for (const index of rest) {
    await end(index);
    t.ok(inWork() <= 8);
  }
  await all;
});

t.test('nothing begins before Retry-After is over', async (t) => {
  const { items, begun, work, turns, end, busy } = held(4);
  const stopping = new AbortController();
  const all = eachAtPace(items, { most: 2, signal: stopping.signal }, work);
  await turns();
  busy(0.05);
  busy(3600);
  await end(0, 1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.same(begun, [0, 1], 'the longest of them counts');
  const reason = new Error('enough');
  stopping.abort(reason);
  await t.rejects(all, reason);
});

t.test('a signal is told when all that began has ended', async (t) => {
  const { items, begun, work, turns, end } = held(4);
  const stopping = new AbortController();
  const all = eachAtPace(items, { most: 2, signal: stopping.signal }, work);
  await turns();
  let over = false;
  void all.catch(() => undefined).then(() => (over = true));
  stopping.abort(new Error('enough'));
  await end(0);
  t.notOk(over, 'one is in work');
  await end(1);
  t.ok(over);
  t.same(begun, [0, 1]);
});
