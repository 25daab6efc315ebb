import t from 'tap';
import type { Step } from '../../../src/engine/tiling/plan.ts';
import { createWorld, small, tiled } from './world.ts';
import type { Job } from './world.ts';

t.test('requests run in the order of their arrival', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld();
  scheduler.add(createRunner());
  for (const id of [0, 1, 2, 3]) submit(small(id, id % 2 ? 0.1 : 1));
  await world.settle();
  t.same(
    world.runs.map(({ ids, at }) => [...ids, at]),
    [
      [0, 0],
      [1, 1000],
      [2, 1100],
      [3, 2100],
    ],
  );
  t.match(world.answers.get(3)?.result, { value: 3, queueMs: 2100, inferMs: 100, batchSize: 1 });
});

t.test('who is not ready keeps the place and lets others pass', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld({ maxBatch: 2 });
  scheduler.add(createRunner());
  submit(small(0, 0.2), 300);
  submit(tiled(1, 1), 700);
  for (const id of [2, 3, 4, 5, 6]) submit(small(id, 0.2));
  await world.settle();
  t.same(
    world.runs.map(({ ids, at }) => [at, ...ids]),
    [
      [0, 2],
      [200, 3, 4],
      [600, 0, 5],
      [1000, 1],
      [1200, 6],
      [1400, 1],
    ],
  );
  t.match(world.answers.get(0)?.result, { queueMs: 300 }, 'waited from when it was ready');
});

t.test(
  'who is not ready is passed by one run, not by a batch that there is no time for',
  async (t) => {
    const { world, scheduler, createRunner, submit } = createWorld({ maxBatch: 2 });
    scheduler.add(createRunner());
    submit(small(0, 0.1)); // so that the others wait
    submit(small(1, 0.2, { deadline: 650 }), 150); // done at 300, or at 500 behind one that it lets pass
    submit(small(2, 0.2));
    submit(small(3, 0.2));
    await world.settle();
    t.same(
      world.runs.map(({ ids }) => ids),
      [[0], [2], [1], [3]],
    );
  },
);

t.test('what waits with the same key goes along, and nothing waits for others', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld({ maxBatch: 3 });
  scheduler.add(createRunner());
  submit(small(0, 0.2));
  for (const id of [1, 3, 4, 5, 6]) submit(small(id, id === 3 ? 0.3 : 0.2));
  await world.settle();
  t.same(
    world.runs.map(({ ids }) => ids),
    [[0], [1, 4, 5], [3], [6]],
  );
});

t.test('who has no key runs alone', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld({ maxBatch: 3 });
  scheduler.add(createRunner());
  for (const id of [0, 1, 2]) submit(small(id, 0.2, { key: undefined }));
  submit(tiled(3, 1));
  for (const id of [4, 5]) submit(small(id, 0.2));
  await world.settle();
  t.same(
    world.runs.map(({ ids }) => ids),
    [[0], [1], [2], [3], [4, 5], [3]],
  );
});

t.test('nobody is overtaken who would miss a deadline for it', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld({ maxBatch: 4 });
  scheduler.add(createRunner());
  submit(small(0, 0.2));
  submit(small(1, 0.2));
  submit(small(2, 0.1, { deadline: 700 })); // done at 500, or at 700 with one in front of it
  submit(small(3, 0.2));
  submit(small(4, 0.2));
  await world.settle();
  t.same(
    world.runs.map(({ ids }) => ids),
    [[0], [1, 3], [2], [4]],
  );
  t.equal(world.answers.get(2)?.at, 700);
});

t.test('a tiled picture follows the description that it asked for', async (t) => {
  const { world, scheduler, createRunner, submit, submitWith } = createWorld();
  scheduler.add(createRunner());
  const description: Step = { kind: 'describe', megapixels: 1 };
  const part: Job = { id: 100, key: undefined, steps: [description], pixels: 1e6 };
  submit(small(0, 0.1));
  const task = tiled(1, 1, { before: [[description]] });
  submitWith(task, async ({ runBefore }) => {
    await runBefore(part, part);
    return task;
  });
  submit(tiled(2, 1));
  await world.settle();
  t.same(
    world.runs.map(({ ids }) => ids[0]),
    [0, 100, 1, 1, 2, 2],
  );
});

t.test('a tiled picture follows the one in tiles that is painted before it', async (t) => {
  const { world, scheduler, createRunner, submitWith, submit } = createWorld();
  scheduler.add(createRunner());
  const part = { ...tiled(100, 2), key: undefined };
  submit(small(0, 0.1));
  submitWith(tiled(1, 1, { before: [part.steps] }), async ({ runBefore }) => {
    const { value } = await runBefore(part, part);
    t.same(value, Float32Array.of(100));
    return tiled(1, 1);
  });
  // Tiles count twice: 100 + 2 · (1400 + 700 + 700), of which 2800 are reserved for the part.
  submit(tiled(2, 1, { deadline: 5699 }));
  submit(small(3, 0.1));
  await world.settle();
  t.match(world.answers.get(2)?.result, 'overloaded', 'its time is reserved');
  t.same(
    world.runs.map(({ ids }) => ids[0]),
    [0, 100, 3, 100, 100, 100, 1, 1],
  );
});

t.test('a tiled picture that is not ready lets another pass if it has the time', async (t) => {
  for (const [deadline, order] of [
    [2500, [0, 1, 1, 2, 2, 2, 2]],
    [60_000, [0, 2, 2, 2, 2, 1, 1]],
  ] as const) {
    const { world, scheduler, createRunner, submit } = createWorld();
    scheduler.add(createRunner());
    submit(small(0, 0.1));
    submit(tiled(1, 1, { deadline }), 1000); // done at 1500 at the latest, by what is known
    submit(tiled(2, 2)); // 1400 ms
    await world.settle();
    t.same(
      world.runs.map(({ ids }) => ids[0]),
      order,
      `deadline ${deadline}`,
    );
    t.match(world.answers.get(1)?.result, { value: 1 });
  }
});

t.test('a queue that is as long as the deadlines allow is worked off in batches', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld({ maxBatch: 2 });
  scheduler.add(createRunner());
  for (let id = 0; id < 200; id++) {
    world.later(id * 50, () => {
      submit(small(id, 0.2, { deadline: world.now + 2000 }));
    });
  }
  await world.settle();
  const pairs = world.runs.filter(({ ids }) => ids.length === 2).length;
  t.ok(pairs >= 0.9 * world.runs.length, `${pairs} of ${world.runs.length} runs are batches`);
  const results = [...world.answers.values()].map(({ result }) => result);
  t.ok(results.includes('overloaded'));
  t.notOk(results.includes('deadline_exceeded'));
});

t.test('a tiled picture shares its runner evenly with those behind it', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld();
  scheduler.add(createRunner());
  submit(tiled(0, 20)); // 20 · 0.2 s + 20 · 0.5 s
  for (let id = 1; id <= 20; id++) submit(small(id, 0.2));
  await world.settle();
  const last = world.answers.get(20)?.at ?? Infinity;
  t.ok(last >= 7000 && last <= 9000, `20 small ones, 4 s of work, are done after ${last} ms`);
  t.match(world.answers.get(0), { at: 18000, result: { value: 0, inferMs: 14000, queueMs: 4000 } });
});

t.test('a tiled picture waits for its turn, and for the one before it', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld();
  scheduler.add(createRunner());
  submit(small(0, 0.2));
  submit(small(1, 0.2));
  submit(tiled(2, 2));
  submit(tiled(3, 2));
  await world.settle();
  t.same(
    world.runs.map(({ ids }) => ids[0]),
    [0, 1, 2, 2, 2, 2, 3, 3, 3, 3],
  );
});
