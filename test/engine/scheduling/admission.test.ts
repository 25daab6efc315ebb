import t from 'tap';
import type { ServiceError } from '../../../src/errors.ts';
import type { Step } from '../../../src/engine/tiling/plan.ts';
import { randomNumbers } from '../helpers.ts';
import { createWorld, forever, small } from './world.ts';
import type { Job } from './world.ts';

t.test('reservations count for those who come later, until they are given up', async (t) => {
  const { world, scheduler, createRunner, submit, submitWith } = createWorld();
  scheduler.add(createRunner());
  const clients = [new AbortController(), new AbortController()] as const;
  for (const [id, { signal }] of clients.entries()) submitWith(small(id, 1, { signal }), forever);
  submit(small(2, 1, { deadline: 2000 }));
  clients[0].abort();
  submit(small(3, 1, { deadline: 2000 }));
  clients[1].abort();
  submit(small(4, 1, { deadline: 2000 }));
  await world.settle();
  t.match(world.answers.get(0), { at: 0, result: 'client_closed' });
  t.match(world.answers.get(2), { at: 0, result: 'overloaded' });
  t.match(world.answers.get(3)?.result, { value: 3 });
  t.match(world.answers.get(4)?.result, { value: 4 });
});

t.test('estimates are made with the slowness that was seen', async (t) => {
  const times = [0.5, 1.5];
  const { world, scheduler, createRunner, submit } = createWorld({}, () => {
    times.reverse();
    return times[0] ?? 1;
  });
  scheduler.add(createRunner());
  for (let id = 0; id < 40; id++) submit(small(id, 0.1));
  await world.settle();
  for (let id = 40; id < 50; id++) submit(small(id, 0.1, { deadline: world.now + 1000 }));
  await world.settle();
  const results = Array.from({ length: 10 }, (_, i) => world.answers.get(40 + i)?.result);
  const taken = results.filter((result) => typeof result === 'object').length;
  t.ok(taken >= 4 && taken <= 6, `${taken} of 10 that fit if all goes well`);
  t.notOk(results.includes('deadline_exceeded'));
});

t.test('a request that cannot make its deadline is refused at once, with a time', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld();
  scheduler.add(createRunner());
  submit(small(0, 1));
  submit(small(1, 1, { deadline: 1999 }));
  submit(small(2, 1, { deadline: 2000 }));
  submit(small(3, 1, { deadline: 2000 }));
  await world.settle();
  t.match(world.answers.get(1), { at: 0, result: 'overloaded' });
  t.equal(world.answers.get(1)?.retry, 2 - 0.75 * 1.999, 'when there is room and some to spare');
  t.match(world.answers.get(2), { at: 2000, result: { value: 2 } });
  t.match(world.answers.get(3), { at: 0, result: 'overloaded' });
  const retry = world.answers.get(3)?.retry ?? NaN;
  t.equal(retry.toFixed(6), (2 - 0.75 * 1.999 + 1.35).toFixed(6), 'after the one refused before');
});

t.test('an idle engine tries what it believes to be too slow, and learns', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld({}, () => 0.1);
  scheduler.add(createRunner());
  for (let id = 0; id < 20; id++) {
    world.later(id * 1000, () => {
      submit(small(2 * id, 0.25, { deadline: world.now + 200 }));
      submit(small(2 * id + 1, 0.25, { deadline: world.now + 200 }));
    });
  }
  await world.settle();
  t.equal(world.answers.get(1)?.result, 'deadline_exceeded', 'too slow, by what is known at first');
  t.match(world.answers.get(39)?.result, { value: 39 }, 'and are taken in the end');
});

t.test('a full queue refuses with the time until it is empty', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld({ queueLimit: 2 });
  scheduler.add(createRunner());
  submit(small(0, 1));
  await new Promise(setImmediate); // it runs, and waits no more
  for (const id of [1, 2, 3, 4]) submit(small(id, 1));
  await world.settle();
  t.match(world.answers.get(3), { at: 0, result: 'overloaded', retry: 3 });
  t.match(world.answers.get(4), { at: 0, result: 'overloaded', retry: 4.35 });
  t.match(world.answers.get(2)?.result, { value: 2 });
});

t.test('what takes too long by itself is not sent away to come back', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld();
  scheduler.add(createRunner());
  submit(small(0, 1));
  submit(small(1, 10, { deadline: 5000 }));
  submit(small(2, 1, { deadline: 1500 }));
  await world.settle();
  t.match(world.answers.get(1), { at: 0, result: 'deadline_exceeded' });
  t.equal(world.answers.get(2)?.retry, 2 - 0.75 * 1.5, 'no time was reserved for it');
});

t.test('requests with new styles keep their deadlines at twice the capacity', async (t) => {
  for (const styles of [0, 1, 4]) {
    const { world, scheduler, createRunner, submitWith } = createWorld({ maxBatch: 2 });
    scheduler.add(createRunner());
    const random = randomNumbers(styles);
    const description: Step = { kind: 'describe', megapixels: 0.4 };
    const costMs = 400 + 200 * styles;
    let at = 0;
    for (let id = 0; at < 60_000; id++, at -= (Math.log(1 - random()) * costMs) / 2) {
      world.later(at, () => {
        const before = Array<[Step]>(styles).fill([description]);
        const task = small(id, 0.4, { before, deadline: world.now + 10_000 });
        submitWith(task, async ({ runBefore }) => {
          const parts = before.map((steps, i): Job => {
            return { id: 1e6 + 10 * id + i, key: 'describe', steps, pixels: 4e5 };
          });
          await Promise.all(parts.map((part) => runBefore(part, part)));
          return task;
        });
      });
    }
    await world.settle();
    const results = [...world.answers.values()].map(({ result }) => result);
    const done = results.filter((result) => typeof result === 'object').length;
    const late = results.filter((result) => result === 'deadline_exceeded').length;
    t.ok(results.includes('overloaded'), `${styles} new styles: half are refused`);
    t.ok(late <= 0.02 * done, `${styles} new styles: ${late} of ${done} admitted are late`);
    t.ok(done * costMs >= 0.85 * 60_000, `${styles} new styles: the runner is kept busy`);
  }
});

t.test('a step before a task is not refused, and slow ones are learnt anew', async (t) => {
  let noise = 20;
  const { world, scheduler, createRunner, submitWith } = createWorld(
    { queueLimit: 1 },
    () => noise,
  );
  scheduler.add(createRunner());
  for (let id = 0; id < 10; id++) {
    world.later(id * 30_000, () => {
      const job = small(id, 0.1);
      const part = small(100 + id, 1, { deadline: world.now + 3000 });
      submitWith(job, async ({ runBefore }) => {
        await runBefore(part, part).catch(() => undefined);
        return job;
      });
    });
  }
  world.later(10_000, () => (noise = 1));
  await world.settle();
  t.same(world.runs.filter(({ ids }) => (ids[0] ?? 0) >= 100).length, 10);
  t.match(world.answers.get(9)?.result, { value: 9 });
});

t.test('a run that is late is expected to take as long again', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld({}, () => 10);
  scheduler.add(createRunner());
  submit(small(0, 1));
  world.later(3000, () => {
    submit(small(1, 1, { deadline: world.now + 2500 }));
    submit(small(2, 1, { deadline: world.now + 3500 }));
  });
  await world.settle();
  t.match(world.answers.get(1), { at: 3000, result: 'overloaded' });
  t.equal(world.answers.get(2)?.at, 10_000, 'which is hope, not knowledge');
});

t.test('who would be refused with the smallest is told so before the form', async (t) => {
  const { scheduler, createRunner, submit, world } = createWorld({ queueLimit: 2 });
  const refusal = (deadline?: number) => {
    try {
      scheduler.assertOpen(small(9, 0.001, { deadline }));
      return undefined;
    } catch (error) {
      const { code, retryAfterSeconds } = error as ServiceError;
      return [code, retryAfterSeconds];
    }
  };
  scheduler.add(createRunner());
  t.equal(refusal(), undefined);
  submit(small(0, 1));
  submit(small(1, 1));
  t.same(refusal(), ['overloaded', 2], 'full');
  t.same(refusal(), ['overloaded', 2 + 1.35], 'room for one like those who wait');
  await world.settle();
  t.equal(refusal(), undefined);
  submit(small(3, 1));
  t.match(refusal(world.now + 999), ['overloaded'], 'too late even for it');
  t.equal(refusal(world.now + 2000), undefined);
  void scheduler.close();
  t.match(refusal(), ['closing']);
});
