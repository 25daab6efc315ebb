import t from 'tap';

import {
  createMemoryBudget,
  forRequests,
  usableMemory,
  type RequestMemory,
} from '../src/memory-budget.ts';

const never = new AbortController().signal;
const budgetOf = (bytes: number) => createMemoryBudget(bytes, () => undefined);

/** Whether a promise has settled by the time that everything else has. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const turn = new Promise((resolve) => setImmediate(resolve, 'pending'));
  return (await Promise.race([promise, turn])) === 'pending';
}

t.test('forms hold a quarter, and are refused at once beyond', (t) => {
  const { forms, forRequest } = budgetOf(4000);
  const [first, second] = [forRequest(), forRequest()];
  first.receive(900);
  t.throws(
    () => {
      second.receive(101);
    },
    { code: 'overloaded' },
  );
  t.equal(forms.held, 900);
  second.receive(100);
  first.receive(300); // less came than was announced
  second.receive(700);
  t.same([forms.held, forms.capacity], [1000, 1000]);
  first.release();
  second.release();
  t.equal(forms.held, 0);
  t.end();
});

t.test('of fractions nothing stays behind', async (t) => {
  const { pictures, forRequest } = budgetOf(4000);
  const [first, second, third] = [forRequest(), forRequest(), forRequest()];
  await first.paint(0.1, never);
  await second.paint(0.2, never);
  await third.paint(0.3, never);
  for (const one of [first, second, third]) one.release();
  t.equal(pictures.held, 0);
});

t.test('pictures wait in line, the large one in front of the small ones behind it', async (t) => {
  const { pictures, forRequest } = budgetOf(4000);
  const [first, large, small] = [forRequest(), forRequest(), forRequest()];
  await first.paint(2000, never);
  const begun: string[] = [];
  const second = large.paint(2500, never).then(() => begun.push('large'));
  const third = small.paint(400, never).then(() => begun.push('small'));
  t.ok(await isPending(third), 'though there is room for it');
  first.release();
  await Promise.all([second, third]);
  t.same(begun, ['large', 'small']);
  t.equal(pictures.held, 2900);
});

t.test('who goes away leaves the line, and those behind move up', async (t) => {
  const { pictures, forRequest } = budgetOf(4000);
  const leaving = new AbortController();
  const [first, second, third] = [forRequest(), forRequest(), forRequest()];
  await first.paint(2000, never);
  const left = second.paint(2500, leaving.signal);
  const moved = third.paint(1000, never);
  leaving.abort(new Error('gone'));
  await t.rejects(left, { message: 'gone' });
  await moved;
  t.equal(pictures.held, 3000);
  await t.rejects(second.paint(1, leaving.signal), { message: 'gone' });
  second.release();
  t.equal(pictures.held, 3000, 'it held nothing');
});

t.test('a result is held for less, and longer', async (t) => {
  const { forms, pictures, forRequest } = budgetOf(4000);
  const memory = forRequest();
  memory.receive(500);
  await memory.paint(3000, never);
  memory.keep(200);
  t.same([forms.held, pictures.held], [0, 200]);
  memory.release();
  memory.release();
  t.same([forms.held, pictures.held], [0, 0]);
});

t.test('what can never be painted is refused with both numbers', (t) => {
  const memory = budgetOf(400e6).forRequest();
  memory.assertFits(300e6);
  t.throws(
    () => {
      memory.assertFits(301e6);
    },
    {
      code: 'too_many_pixels',
      field: 'content',
      message: /301 MB of memory, and pictures may take 300 MB/,
    },
  );
  t.end();
});

t.test('the refused are sent away for as long as their bytes take to get free', (t) => {
  let time = 0;
  const budget = createMemoryBudget(
    4000,
    () => undefined,
    () => time,
  );
  const hold = (ms: number) => {
    const memory = budget.forRequest();
    memory.receive(1000);
    time += ms;
    memory.release();
  };
  for (let i = 0; i < 40; i++) hold(8000);
  budget.forRequest().receive(1000);
  const retryAfter = (memory: RequestMemory, bytes: number): number => {
    try {
      memory.receive(bytes);
      return NaN;
    } catch (error) {
      return (error as { retryAfterSeconds: number }).retryAfterSeconds;
    }
  };
  const times = [500, 500, 1000].map((bytes) => retryAfter(budget.forRequest(), bytes));
  t.same(times.map(Math.round), [4, 8, 16], 'one after the other');
  for (let i = 0; i < 20; i++) retryAfter(budget.forRequest(), 1000);
  t.equal(retryAfter(budget.forRequest(), 1000), 60, 'a minute at most');
  t.end();
});

t.test('what is used and held is told', async (t) => {
  const told: unknown[] = [];
  const budget = createMemoryBudget(4000, (part, usage) => told.push([part, usage]));
  const memory = budget.forRequest();
  memory.receive(10);
  await memory.paint(20, never);
  t.same(told, [
    ['forms', { held: 0, capacity: 1000 }],
    ['pictures', { held: 0, capacity: 3000 }],
    ['forms', { held: 10, capacity: 1000 }],
    ['pictures', { held: 20, capacity: 3000 }],
  ]);
});

t.test('what a process may use: its container’s memory, or half of the machine’s', (t) => {
  t.equal(usableMemory(1e9, 8e9), 1e9);
  for (const none of [0, 2 ** 64, 8e9]) t.equal(usableMemory(none, 8e9), 4e9);
  t.end();
});

t.test('what inference and an eighth leave is for requests, or the start fails', (t) => {
  t.equal(forRequests(2 ** 30, 500e6, 32e6), (7 / 8) * 2 ** 30 - 500e6);
  t.throws(() => forRequests(2 ** 30, 900e6, 32e6), {
    message: /may use 1074 MB of memory and needs 1175\. .*ADAIN_MAX_BATCH=1/,
  });
  t.doesNotThrow(() => forRequests(1176e6, 900e6, 32e6), 'the number holds');
  t.end();
});
