import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';

import { createMemoryStore } from '../../src/store/memory.ts';
import { guardStore } from '../../src/store/guard.ts';
import type { StyleStore } from '../../src/store/types.ts';
import { gate } from '../support/gate.ts';
import { image, statistics, storeOptions, style } from './helpers.ts';

const never = <T>() => new Promise<T>(() => undefined);
const unavailable = { code: 'store_unavailable', status: 503, retryAfterSeconds: 1 };

function guarded(t: Test, overrides: Partial<StyleStore>) {
  const results: string[] = [];
  const lines: string[] = [];
  const ups: boolean[] = [];
  const events = {
    onCommand: (_store: string, result: string) => void results.push(result),
    onUp: (_store: string, isUp: boolean) => void ups.push(isUp),
  };
  const log = {
    warn: (_details: object, message: string) => void lines.push(message),
    info: (_details: object, message: string) => void lines.push(message),
  };
  const inner = { ...createMemoryStore(storeOptions()), ...overrides };
  const store = guardStore(inner, events, log);
  t.teardown(() => store.close());
  return { store, results, lines, ups };
}

t.test('commands are told by how they end', async (t) => {
  const { store, results, lines } = guarded(t, {});
  await store.getStyle('a');
  await store.putStyle(style('a'), statistics(1), image(1));
  await store.getStyle('a');
  t.same(results, ['miss', 'ok', 'hit']);
  t.same(lines, []);
});

t.test('one that breaks is away at once, and back when it answers', async (t) => {
  let isBroken = true;
  let asked = 0;
  const { store, results, lines, ups } = guarded(t, {
    getStyle: () => {
      asked++;
      return isBroken ? Promise.reject(new Error('ECONNREFUSED')) : Promise.resolve(undefined);
    },
    ping: () => (isBroken ? Promise.reject(new Error('away')) : Promise.resolve()),
  });
  await t.rejects(store.getStyle('a'), unavailable);
  await t.rejects(store.getStyle('a'), unavailable);
  await t.rejects(store.putStatistics('a', statistics(1)), unavailable);
  t.equal(asked <= 1, true, 'it is not asked while it is away');
  isBroken = false;
  while (ups.at(-1) === false) await setTimeout(20);
  t.equal(await store.getStyle('a'), undefined);
  t.same(lines, ['the style store is away', 'the style store is back'], 'one line a change');
  t.same(ups, [true, false, true]);
  t.equal(results.at(-1), 'miss');
});

t.test('one that is silent gets three, and is away after three seconds', async (t) => {
  let asked = 0;
  const { store, results, lines, ups } = guarded(t, {
    getStatistics: () => {
      asked++;
      return never();
    },
    ping: never,
  });
  for (let i = 0; i < 5; i++) await t.rejects(store.getStatistics('a'), unavailable);
  t.same(results, ['late', 'late', 'late', 'away', 'away']);
  t.equal(asked, 3);
  t.equal(await store.getStyle('a'), undefined, 'it may only be slow');
  t.same(lines, []);
  while (ups.at(-1) !== false) await setTimeout(20);
  await t.rejects(store.getStyle('a'), unavailable);
  t.same(lines, ['the style store is away']);
});

t.test('one that is always late is not away', async (t) => {
  const answers: (() => void)[] = [];
  const { store, results, lines } = guarded(t, {
    getStatistics: () =>
      new Promise((resolve) => {
        answers.push(() => {
          resolve(statistics(1));
        });
      }),
  });
  for (let i = 0; i < 6; i++) {
    await t.rejects(store.getStatistics('a'), unavailable);
    if (i > 0) answers.shift()?.();
    await setTimeout(1);
  }
  t.same(results, Array(6).fill('late'));
  t.same(lines, []);
});

t.test('one that is late and then breaks is away', async (t) => {
  const { opened, open } = gate();
  const { store, lines, ups } = guarded(t, {
    getStatistics: () => opened.then(() => Promise.reject(new Error('ETIMEDOUT'))),
    ping: never,
  });
  await t.rejects(store.getStatistics('a'), unavailable);
  t.same(lines, []);
  open();
  await setTimeout(1);
  t.same(lines, ['the style store is away']);
  t.same(ups, [true, false]);
});

t.test('one that is late and then says no is told of, and not away', async (t) => {
  const { opened, open } = gate();
  const { store, lines } = guarded(t, {
    putStatistics: () => opened.then(() => Promise.reject(new Error('full'))),
    refuses: () => true,
  });
  await t.rejects(store.putStatistics('a', statistics(1)), unavailable);
  open();
  await setTimeout(1);
  t.same(lines, ['the style store refuses commands']);
  t.equal(await store.getStyle('a'), undefined);
});

t.test('a style that only the store knows is waited for', async (t) => {
  const { opened, open } = gate();
  const found = { style: style('a'), statistics: statistics(1) };
  const { store, results } = guarded(t, { getStyle: () => opened.then(() => found) });
  const asked = store.getStyle('a');
  await t.rejects(store.getStyle('a', true), unavailable, 'but not by who knows it');
  open();
  t.same(await asked, found);
  t.same(results, ['late', 'hit']);
});

t.test('an answer that has come while the thread was busy is in time', async (t) => {
  const { store, results } = guarded(t, {
    getStatistics: async () => {
      await setTimeout(40);
      return statistics(1);
    },
  });
  const asked = store.getStatistics('a');
  await setTimeout(1);
  const until = performance.now() + 200;
  while (performance.now() < until);
  t.same(await asked, statistics(1));
  t.same(results, ['hit']);
});

t.test('a store that says no is asked again, and told of once', async (t) => {
  let isFull = true;
  const { store, results, lines } = guarded(t, {
    putStatistics: () => (isFull ? Promise.reject(new Error('full')) : Promise.resolve()),
    refuses: () => true,
  });
  for (let i = 0; i < 3; i++) await t.rejects(store.putStatistics('a', statistics(1)), unavailable);
  t.equal(await store.getStyle('a'), undefined, 'it can be read');
  isFull = false;
  await store.putStatistics('a', statistics(1));
  t.same(results, ['refused', 'refused', 'refused', 'miss', 'ok']);
  t.same(lines, ['the style store refuses commands', 'the style store takes commands again']);
});
