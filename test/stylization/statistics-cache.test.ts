import { getEventListeners } from 'node:events';
import t from 'tap';

import { createStatisticsCache } from '../../src/stylization/statistics-cache.ts';

const living = new AbortController().signal;
const statistics = (value: number) => Float32Array.of(value);

t.test('the first look-up describes, later ones hit', async (t) => {
  const cache = createStatisticsCache(10);
  const first = cache.getOrDescribe('a', living, () => Promise.resolve(statistics(1)));
  t.equal(first.outcome, 'miss');
  await first.statistics;
  const second = cache.getOrDescribe('a', living, () => t.fail('described twice') as never);
  t.equal(second.outcome, 'hit');
  t.equal(await second.statistics, await first.statistics);
});

t.test('look-ups while it is described join', async (t) => {
  const cache = createStatisticsCache(10);
  const described = Promise.resolve(statistics(1));
  cache.getOrDescribe('a', living, () => described);
  const joined = cache.get('a', living);
  t.equal(joined?.outcome, 'joined');
  t.same([...((await joined?.statistics) ?? [])], [1]);
});

t.test('nothing listens to a request any more once its style is described', async (t) => {
  const cache = createStatisticsCache(10);
  const { signal } = new AbortController();
  const { statistics: described } = cache.getOrDescribe('a', signal, () =>
    Promise.resolve(statistics(1)),
  );
  cache.get('a', signal);
  t.equal(getEventListeners(signal, 'abort').length, 2);
  await described;
  await new Promise(setImmediate);
  t.equal(getEventListeners(signal, 'abort').length, 0);
});

t.test('a failure reaches all who joined and is not kept', async (t) => {
  const cache = createStatisticsCache(10);
  const failing = cache.getOrDescribe('a', living, () => Promise.reject(new Error('no')));
  const joined = cache.get('a', living);
  await t.rejects(async () => failing.statistics, { message: 'no' });
  await t.rejects(async () => joined?.statistics, { message: 'no' });
  t.equal(cache.get('a', living), undefined);
  t.equal(cache.getOrDescribe('a', living, () => Promise.resolve(statistics(2))).outcome, 'miss');
});

t.test('the least recently used goes first', async (t) => {
  const cache = createStatisticsCache(2);
  for (const id of ['a', 'b'])
    cache.getOrDescribe(id, living, () => Promise.resolve(statistics(1)));
  cache.get('a', living);
  cache.getOrDescribe('c', living, () => Promise.resolve(statistics(1)));
  t.ok(cache.get('a', living));
  t.notOk(cache.get('b', living));
  t.equal(cache.size, 2);
});

t.test('a description ends when all who wait for it are gone, and not before', async (t) => {
  const cache = createStatisticsCache(10);
  const [first, second] = [new AbortController(), new AbortController()];
  let abandoned: AbortSignal | undefined;
  const described = new Promise<Float32Array<ArrayBuffer>>(() => undefined);
  cache.getOrDescribe('a', first.signal, (signal) => {
    abandoned = signal;
    return described;
  });
  cache.get('a', second.signal);
  first.abort();
  t.equal(abandoned?.aborted, false);
  second.abort();
  t.equal(abandoned?.aborted, true);
  const next = cache.getOrDescribe('a', living, () => Promise.resolve(statistics(1)));
  t.equal(next.outcome, 'miss', 'nobody joins what has been given up');
  await next.statistics;
  t.equal(cache.get('a', AbortSignal.abort())?.outcome, 'hit');
});
