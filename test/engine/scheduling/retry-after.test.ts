import t from 'tap';
import { createRetrySchedule } from '../../../src/engine/scheduling/retry-after.ts';

t.test('reserved times follow one another', async (t) => {
  const retries = createRetrySchedule(60_000);
  retries.noteBusy(0, true);
  const starts = [0, 0, 10].map((now) => retries.reserve(now, now + 500, 100));
  t.same(starts, [500, 600, 700]);
  t.equal(retries.reserve(800, 1300, 100), 1300, 'not before there is room');
  t.equal(retries.reserve(9000, 9100, 100), 9100, 'all reserved times are over');
});

t.test('nobody is sent away for longer than the longest wait', async (t) => {
  const retries = createRetrySchedule(1000);
  retries.noteBusy(0, true);
  const starts = Array.from({ length: 12 }, () => retries.reserve(0, 500, 200));
  t.same(starts, [500, 700, 900, 500, 700, 900, 500, 700, 900, 500, 700, 900]);
});

t.test('clients who come back keep their times, those who stay away lose them', async (t) => {
  for (const [comeBack, expected] of [
    [1, 20_000],
    [0.5, 13_000],
    [0, 5400],
  ] as const) {
    const retries = createRetrySchedule(60_000);
    retries.noteBusy(0, true);
    for (let i = 0; i < 200; i++) retries.reserve(0, 0, 100);
    for (let now = 0; now < 5000; now += 100) {
      retries.noteBusy(now, true);
      retries.noteBusy(now + 100 * comeBack, comeBack === 1);
    }
    const start = retries.reserve(5000, 5000, 100);
    t.ok(start >= expected - 1700 && start <= expected + 1700, `${comeBack}: ${start}`);
    t.ok(retries.reserve(5000, 5000, 100) >= start, 'and the next comes later');
  }
});
