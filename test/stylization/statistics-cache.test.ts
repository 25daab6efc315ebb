import t from 'tap';

import { createStatisticsCache } from '../../src/stylization/statistics-cache.ts';

const statistics = (value: number) => Float32Array.of(value);

t.test('the first look-up describes, later ones hit', async (t) => {
  const cache = createStatisticsCache(10);
  const first = cache.getOrDescribe('a', () => Promise.resolve(statistics(1)));
  t.equal(first.outcome, 'miss');
  await first.statistics;
  const second = cache.getOrDescribe('a', () => t.fail('described twice') as never);
  t.equal(second.outcome, 'hit');
  t.equal(await second.statistics, await first.statistics);
});

t.test('look-ups while it is described join', async (t) => {
  const cache = createStatisticsCache(10);
  const described = Promise.resolve(statistics(1));
  cache.getOrDescribe('a', () => described);
  const joined = cache.get('a');
  t.equal(joined?.outcome, 'joined');
  t.same([...((await joined?.statistics) ?? [])], [1]);
});

t.test('a failure reaches all who joined and is not kept', async (t) => {
  const cache = createStatisticsCache(10);
  const failing = cache.getOrDescribe('a', () => Promise.reject(new Error('no')));
  const joined = cache.get('a');
  await t.rejects(async () => failing.statistics, { message: 'no' });
  await t.rejects(async () => joined?.statistics, { message: 'no' });
  t.equal(cache.get('a'), undefined);
  t.equal(cache.getOrDescribe('a', () => Promise.resolve(statistics(2))).outcome, 'miss');
});

t.test('the least recently used goes first', async (t) => {
  const cache = createStatisticsCache(2);
  for (const id of ['a', 'b']) cache.getOrDescribe(id, () => Promise.resolve(statistics(1)));
  cache.get('a');
  cache.getOrDescribe('c', () => Promise.resolve(statistics(1)));
  t.ok(cache.get('a'));
  t.notOk(cache.get('b'));
  t.equal(cache.size, 2);
});
