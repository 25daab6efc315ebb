import t from 'tap';
import { ServiceError } from '../../../src/errors.ts';
import { createWorld, small, tiled } from './world.ts';
import type { Job } from './world.ts';

t.test('a failed request fails alone, a lost runner takes what it holds', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld({ maxBatch: 4 });
  const runner = createRunner(({ id }) => id === 2);
  scheduler.add(runner);
  for (const id of [0, 1, 2, 3]) submit(small(id, 0.2));
  await world.settle();
  t.match(world.answers.get(2)?.result, 'inference_failed');
  t.match(world.answers.get(3)?.result, { value: 3 });

  submit(tiled(4, 3));
  submit(small(5, 0.2));
  submit(small(6, 0.3));
  world.later(250, runner.die); // while 5 runs beside 4
  world.later(3000, () => {
    scheduler.add(createRunner());
  });
  await world.settle();
  t.match(world.answers.get(4)?.result, 'inference_failed');
  t.match(world.answers.get(5)?.result, 'inference_failed');
  t.match(world.answers.get(6)?.result, { value: 6 }, 'waits for the next runner');
});

t.test('a tiled picture that had not begun on a lost runner goes to the next', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld();
  const runner = createRunner();
  scheduler.add(runner);
  submit(tiled(0, 1));
  submit(tiled(1, 1)); // is chosen when the first is done, whose debt lets the last small one pass
  for (const id of [2, 3, 4]) submit(small(id, 0.1));
  world.later(950, runner.die);
  world.later(3000, () => {
    scheduler.add(createRunner());
  });
  await world.settle();
  t.match(world.answers.get(4)?.result, 'inference_failed');
  t.match(world.answers.get(1)?.result, { value: 1 });
});

t.test('close answers what was accepted and refuses the rest', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld();
  scheduler.add(createRunner());
  submit(small(0, 1));
  submit(tiled(1, 2));
  let closed = Infinity;
  void scheduler.close().then(() => {
    closed = world.now;
  });
  submit(small(2, 1));
  await world.settle();
  t.match(world.answers.get(1)?.result, { value: 1 });
  t.match(world.answers.get(2), { at: 0, result: 'closing' });
  t.equal(closed, world.answers.get(1)?.at);
});

t.test(
  'when it has failed, it answers who waits and who comes, once no runner is left',
  async (t) => {
    const { world, scheduler, createRunner, submit } = createWorld();
    const [runner, other] = [createRunner(), createRunner()];
    scheduler.add(runner);
    scheduler.add(other);
    for (const id of [0, 1, 2]) submit(small(id, 1));
    submit(small(3, 1), 5000);
    world.later(100, () => {
      scheduler.remove(runner);
      scheduler.fail(new ServiceError('not_ready', 'for good'));
    });
    world.later(200, () => {
      submit(small(4, 1));
      scheduler.remove(other);
      submit(small(5, 1));
    });
    await world.settle();
    t.match(world.answers.get(0)?.result, { value: 0 }, 'its run was under way');
    t.match(world.answers.get(1)?.result, { value: 1 });
    for (const [id, at] of [
      [2, 200],
      [3, 5000],
      [4, 200],
      [5, 200],
    ] as const) {
      t.match(world.answers.get(id), { at, result: 'not_ready' }, `request ${id}`);
    }
    t.equal(world.runs.length, 2);
  },
);

t.test('when a runner comes after all, all is as before', async (t) => {
  const { world, scheduler, createRunner, submit, submitWith } = createWorld();
  submit(small(0, 1));
  scheduler.fail(new ServiceError('not_ready', 'no runner'));
  const runner = createRunner();
  scheduler.add(runner);
  const part: Job = { id: 100, key: undefined, steps: small(1, 1).steps, pixels: 1e6 };
  submitWith(small(1, 1, { before: [part.steps] }), async (turn) => {
    await turn.runBefore(part, part);
    return small(1, 1);
  });
  await world.settle();
  t.match(world.answers.get(0), { result: 'not_ready' });
  t.match(world.answers.get(1)?.result, { value: 1 }, 'with the task before it');

  scheduler.remove(runner);
  submit(small(2, 1));
  await world.settle();
  scheduler.add(createRunner());
  await world.settle();
  t.match(world.answers.get(2)?.result, { value: 2 }, 'who came between two runners');
});

t.test('longestStepMs tells of a run that hangs', async (t) => {
  const { world, scheduler, createRunner, submit } = createWorld();
  scheduler.add(createRunner());
  t.equal(scheduler.longestStepMs(), 0);
  submit(small(0, 1));
  world.later(700, () => t.equal(scheduler.longestStepMs(), 700));
  await world.settle();
  t.equal(scheduler.longestStepMs(), 0);
});
