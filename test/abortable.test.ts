import t from 'tap';

import { abortable, together } from '../src/abortable.ts';

const never = new AbortController().signal;

/** A task that ends when the test says so, and notes whether it was told to. */
function task<T>() {
  const ending: { resolve: (value: T) => void; reject: (reason: Error) => void; told: boolean } = {
    ...{ resolve: () => undefined, reject: () => undefined, told: false },
  };
  const run = (signal: AbortSignal) => {
    signal.addEventListener('abort', () => (ending.told = true));
    return new Promise<T>((resolve, reject) => Object.assign(ending, { resolve, reject }));
  };
  return { run, ending };
}

t.test('abortable: the result, or the reason of the signal', async (t) => {
  t.equal(await abortable(never, Promise.resolve(1)), 1);
  await t.rejects(abortable(never, Promise.reject(new Error('no'))), { message: 'no' });
  const reason = new Error('gone');
  await t.rejects(abortable(AbortSignal.abort(reason), Promise.resolve(1)), reason);
  const client = new AbortController();
  const waiting = abortable(client.signal, new Promise(() => undefined));
  client.abort(reason);
  await t.rejects(waiting, reason);
});

t.test('together: all results, in their order', async (t) => {
  t.same(await together(never, [async () => 1, async () => 'two']), [1, 'two']);
});

t.test('together: when one fails the others are told, and awaited', async (t) => {
  const [failing, slow] = [task<number>(), task<number>()];
  let isSettled = false;
  const both = together(never, [failing.run, slow.run]).finally(() => (isSettled = true));
  failing.ending.reject(new Error('damaged'));
  const result = t.rejects(both, { message: 'damaged' });
  await new Promise(setImmediate);
  t.ok(slow.ending.told);
  t.notOk(isSettled, 'the other is still at work');
  slow.ending.reject(new Error('told to stop'));
  await result;
});

t.test('together: the signal of the caller ends all', async (t) => {
  const client = new AbortController();
  const slow = task<number>();
  const all = together(client.signal, [slow.run]);
  client.abort(new Error('gone'));
  t.ok(slow.ending.told);
  slow.ending.resolve(1);
  await t.rejects(all, { message: 'gone' });
});

t.test('together: no more at once than allowed, and none once one has failed', async (t) => {
  const tasks = [task<number>(), task<number>(), task<number>(), task<number>()];
  const started: number[] = [];
  const runs = tasks.map(({ run }, index) => (signal: AbortSignal) => {
    started.push(index);
    return run(signal);
  });
  const result = t.rejects(together(never, runs, 2), { message: 'damaged' });
  t.same(started, [0, 1]);
  tasks[0]?.ending.resolve(1);
  await new Promise(setImmediate);
  t.same(started, [0, 1, 2]);
  tasks[1]?.ending.reject(new Error('damaged'));
  tasks[2]?.ending.resolve(3);
  await result;
  t.same(started, [0, 1, 2]);
});
