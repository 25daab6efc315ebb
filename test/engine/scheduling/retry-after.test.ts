import t from 'tap';
import { createTurns } from '../../../src/engine/scheduling/retry-after.ts';

t.test('turns follow one another', async (t) => {
  const turns = createTurns(60_000);
  turns.note(0, true);
  const starts = [0, 0, 10].map((now) => turns.keep(now, now + 500, 100));
  t.same(starts, [500, 600, 700]);
  t.equal(turns.keep(800, 1300, 100), 1300, 'not before there is room');
  t.equal(turns.keep(9000, 9100, 100), 9100, 'all turns are over');
});

t.test('nobody is sent away for longer than the longest wait', async (t) => {
  const turns = createTurns(1000);
  turns.note(0, true);
  const starts = Array.from({ length: 12 }, () => turns.keep(0, 500, 200));
  t.same(starts, [500, 700, 900, 500, 700, 900, 500, 700, 900, 500, 700, 900]);
});

t.test('clients who come back keep their turns, those who stay away lose them', async (t) => {
  for (const [comeBack, expected] of [
    [1, 20_000],
    [0.5, 13_000],
    [0, 5400],
  ] as const) {
    const turns = createTurns(60_000);
    turns.note(0, true);
    for (let i = 0; i < 200; i++) turns.keep(0, 0, 100);
    for (let now = 0; now < 5000; now += 100) {
      turns.note(now, true);
      turns.note(now + 100 * comeBack, comeBack === 1);
    }
    const start = turns.keep(5000, 5000, 100);
    t.ok(start >= expected - 1700 && start <= expected + 1700, `${comeBack}: ${start}`);
    t.ok(turns.keep(5000, 5000, 100) >= start, 'and the next comes later');
  }
});
