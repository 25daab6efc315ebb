import t from 'tap';
import { ServiceError } from '../../../src/errors.ts';
import type { Prepare } from '../../../src/engine/scheduling/queue-entry.ts';
import type { Step } from '../../../src/engine/tiling/plan.ts';
import { gate } from '../../support/gate.ts';
import { createWorld, forever, small, tiled } from './world.ts';
import type { Job } from './world.ts';

t.test('who is dropped is answered when preparing has ended, and counts until then', async (t) => {
  const { world, scheduler, createRunner, submit, submitWith } = createWorld({ ahead: 1 });
  scheduler.add(createRunner());
  const client = new AbortController();
  let begun = 0;
  const slow: Prepare<Job> = () =>
    new Promise((resolve) => {
      begun++;
      world.later(500, () => {
        resolve(small(9, 0.1));
      });
    });
  submit(small(0, 0.1));
  for (const id of [1, 2]) submitWith(small(id, 0.1, { signal: client.signal }), slow);
  submitWith(small(3, 0.1), slow);
  world.later(50, () => {
    client.abort();
  });
  world.later(60, () => t.equal(begun, 2, 'two decodes at most'));
  await world.settle();
  t.match(world.answers.get(1), { at: 500, result: 'client_closed' });
  t.match(world.answers.get(2), { at: 500, result: 'client_closed' });
  t.match(world.answers.get(3)?.result, { value: 9 });
  t.equal(world.answers.get(3)?.at, 1100, 'prepared when the others had ended');
});

t.test('what is made already does not wait for those who are being prepared', async (t) => {
  const { world, scheduler, createRunner, submitWith } = createWorld({ ahead: 0 });
  scheduler.add(createRunner());
  const memory = gate();
  for (const id of [1, 2]) {
    submitWith(small(id, 1), async () => {
      await memory.opened;
      return small(id, 1);
    });
  }
  const made = small(3, 1);
  const ran = scheduler.submitMade(made, made).then(memory.open);
  await world.settle();
  t.match(
    world.runs.map(({ ids }) => ids),
    [[3], [1], [2]],
    'who has made it may hold what they wait for',
  );
  await ran;
});

t.test('what cannot be prepared fails with its reason and gives up its place', async (t) => {
  const { world, scheduler, createRunner, submit, submitWith } = createWorld();
  scheduler.add(createRunner());
  for (const [id, prepare] of [
    [0, () => Promise.reject(new ServiceError('undecodable_image', 'No.'))],
    [
      1,
      () => {
        throw new ServiceError('undecodable_image', 'No.');
      },
    ],
  ] as const) {
    submitWith(small(id, 1), prepare);
  }
  submit(small(2, 1));
  await world.settle();
  for (const id of [0, 1]) {
    t.match(world.answers.get(id), { at: 0, result: 'undecodable_image' });
  }
  t.match(world.answers.get(2), { at: 1000, result: { value: 2 } });
});

t.test('what is thrown instead of an Error is told as one', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld();
  scheduler.add(createRunner());
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the point of it
  const prepare = () => Promise.reject('no');
  const rejected = t.rejects(scheduler.submit(small(0, 1), prepare), new Error('no'));
  submit(small(1, 1));
  await world.settle();
  await rejected;
  t.match(world.answers.get(1), { at: 1000, result: { value: 1 } });
});

t.test('a step that others want outlives the task that asks for it', async (t) => {
  const { world, scheduler, createRunner, submit, submitWith } = createWorld();
  scheduler.add(createRunner());
  const [client, others] = [new AbortController(), new AbortController()];
  const description: Step = { kind: 'describe', megapixels: 1 };
  const part: Job = { id: 100, key: undefined, steps: [description], pixels: 1e6 };
  const outcomes: unknown[] = [];
  submit(small(0, 1));
  submitWith(small(1, 1, { before: [[description]], signal: client.signal }), async (turn) => {
    client.abort();
    const { value } = await turn.runBefore({ ...part, signal: others.signal }, part);
    outcomes.push(value);
    others.abort(new Error('nobody wants it'));
    for (const signal of [undefined, others.signal]) {
      const asked = turn.runBefore({ ...part, signal }, part);
      outcomes.push(await asked.catch((error: unknown) => (error as Error).message));
    }
    return part;
  });
  submit(small(2, 1));
  await world.settle();
  t.same(outcomes, [Float32Array.of(100), 'The client closed the connection.', 'nobody wants it']);
  t.match(
    world.runs.map(({ ids }) => ids),
    [[0], [100], [2]],
  );
  t.match(world.answers.get(1), { result: 'client_closed' });
});

t.test('steps before a task are reserved with it, and run in its place', async (t) => {
  const { world, scheduler, createRunner, submit, submitWith } = createWorld();
  scheduler.add(createRunner());
  const description: Step = { kind: 'describe', megapixels: 1 };
  const part: Job = { id: 100, key: undefined, steps: [description], pixels: 1e6 };
  submit(small(0, 1));
  const task = small(1, 1, { before: [[description], [description]] });
  submitWith(task, async ({ runBefore }) => {
    // One of the two is known by now.
    const { value } = await runBefore(part, part);
    t.same(value, Float32Array.of(100));
    return task;
  });
  submit(small(2, 0.5, { deadline: 3400 })); // behind 1000, 2 · 500 and 1000: at 3500
  submit(small(3, 0.5, { deadline: 3500 }));
  await world.settle();
  t.match(world.answers.get(2), { at: 0, result: 'overloaded' });
  t.same(
    world.runs.map(({ ids, at }) => [at, ...ids]),
    [
      [0, 0],
      [1000, 100],
      [1500, 1],
      [2500, 3],
    ],
  );
});

t.test('jobs are prepared when their turn is near, and wait from the first', async (t) => {
  const { world, scheduler, createRunner, submit, submitWith } = createWorld({ ahead: 1 });
  scheduler.add(createRunner());
  const asked: number[] = [];
  const clients = [1, 2, 3, 4].map((id) => {
    const client = new AbortController();
    return { id, client };
  });
  submit(small(0, 1));
  for (const { id, client } of clients) {
    submitWith(small(id, 1, { signal: client.signal }), (turn) => {
      asked.push(id);
      return forever(turn);
    });
  }
  const giveUp = async (index: number) => {
    clients[index]?.client.abort();
    await new Promise(setImmediate);
  };
  t.same(asked, [1], 'one for the runner, one ahead');
  await new Promise(setImmediate);
  t.same(asked, [1, 2], 'when the first has begun');
  await giveUp(0);
  t.same(asked, [1, 2, 3], 'a place given up moves the others on');
  await giveUp(3);
  t.same(asked, [1, 2, 3]);
  t.match(world.answers.get(4)?.result, 'client_closed');

  submit(small(5, 1), 50);
  world.later(400, () => void giveUp(1));
  world.later(400, () => void giveUp(2));
  await world.settle();
  const last = world.answers.get(5);
  t.match(last, { at: 2000, result: { value: 5 } });
  t.match(last?.result, { queueMs: 1000 - 50 }, 'without the 50 ms that preparing took');
});

t.test('abandoned and expired requests are dropped before they cost anything', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld({}, () => 2);
  scheduler.add(createRunner());
  const client = new AbortController();
  submit(small(0, 1));
  submit(small(1, 1, { signal: client.signal }));
  submit(small(2, 0.5, { deadline: 2000 }));
  submit(small(3, 1, { signal: AbortSignal.abort() }));
  submit(small(4, 1, { deadline: 0 }));
  world.later(100, () => {
    client.abort();
  });
  await world.settle();
  t.match(world.answers.get(1), { at: 100, result: 'client_closed' });
  t.match(world.answers.get(2), { result: 'overloaded' }, 'the third in the queue has no chance');
  t.match(world.answers.get(3), { at: 0, result: 'client_closed' });
  t.match(world.answers.get(4), { at: 0, result: 'deadline_exceeded' });
  submit(small(5, 1));
  submit(small(6, 0.5, { deadline: world.now + 3000 })); // the first takes 2000, not 1000 as hoped
  submit(small(7, 0.5, { deadline: world.now + 2000 }));
  await world.settle();
  t.match(world.answers.get(6)?.result, { value: 6 });
  t.same(
    world.runs.map(({ ids }) => ids),
    [[0], [5], [6]],
  );
  t.match(world.answers.get(7), { result: /overloaded|deadline_exceeded/ });
});

t.test('a tiled picture whose client went away, or whose time is up, is let go', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld({}, () => 1.5);
  scheduler.add(createRunner());
  const client = new AbortController();
  submit(tiled(0, 4, { signal: client.signal }));
  world.later(500, () => {
    client.abort();
  });
  await world.settle();
  submit(tiled(1, 4, { deadline: world.now + 2800 }));
  await world.settle();
  submit(small(2, 0.1));
  await world.settle();
  t.match(world.answers.get(0), { at: 500, result: 'client_closed' });
  t.match(world.answers.get(1)?.result, 'deadline_exceeded');
  t.same(world.dropped, [0, 1]);
  t.match(world.answers.get(2)?.result, { value: 2 });
});
