import t from 'tap';
import { deferred } from '../../../src/engine/scheduling/deferred.ts';
import { supervise } from '../../../src/engine/workers/supervisor.ts';
import type { Supervisor, SupervisorOptions } from '../../../src/engine/workers/supervisor.ts';

/** A thread that ends when the test says so. */
function createThread() {
  const ended = deferred<Error>();
  const thread = {
    speeds: { describe: 1, stylize: 1, 'tile-moments': 1, 'tile-stylize': 1 },
    run: () => Promise.resolve([]),
    drop: () => undefined,
    isClosed: false,
    close: () => {
      thread.isClosed = true;
    },
    ended: ended.promise,
    end: () => {
      ended.resolve(new Error('ended'));
    },
  };
  return thread;
}

const quiet = {
  onUp: () => undefined,
  onDown: () => undefined,
  onRestart: () => undefined,
  onStuck: () => undefined,
  longestStartMs: 60_000,
  longestEndMs: 60_000,
};
const never = () => new Promise<never>(() => undefined);
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};

/** Closes a supervisor, and tells whether that has ended. */
function close(supervisor: Supervisor) {
  const closing = { isDone: false, done: Promise.resolve() };
  closing.done = supervisor.close().then(() => {
    closing.isDone = true;
  });
  return closing;
}

t.test('close waits for the thread that starts meanwhile', async (t) => {
  const [first, second] = [createThread(), createThread()];
  const started = deferred<typeof second>();
  let isStarting = false;
  const start = () => {
    isStarting = true;
    return started.promise;
  };
  const supervisor = supervise(first, { ...quiet, start });
  first.end();
  await until(() => isStarting);
  const closing = close(supervisor);
  started.resolve(second);
  await until(() => second.isClosed);
  t.notOk(closing.isDone, 'its last run may be under way');
  second.end();
  await closing.done;
});

t.test('close waits for the thread that was retired just before', async (t) => {
  const thread = createThread();
  let fail: Parameters<SupervisorOptions['onUp']>[1] = () => undefined;
  const supervisor = supervise(thread, {
    ...quiet,
    start: never,
    onUp: (_thread, onRun) => {
      fail = onRun;
    },
  });
  fail(new Error('out of memory'), false);
  t.notOk(supervisor.up);
  const closing = close(supervisor);
  await new Promise(setImmediate);
  t.notOk(closing.isDone);
  thread.end();
  await closing.done;
});

t.test('close does not wait for a retired thread that hangs while it ends', async (t) => {
  let fail: Parameters<SupervisorOptions['onUp']>[1] = () => undefined;
  const supervisor = supervise(createThread(), {
    ...quiet,
    start: never,
    longestEndMs: 5,
    onUp: (_thread, onRun) => {
      fail = onRun;
    },
  });
  fail(new Error('out of memory'), false);
  await supervisor.close();
  t.ok(supervisor.stuck);
});

t.test('a replacement that hangs while it starts is told, and not waited for', async (t) => {
  const [first, late] = [createThread(), createThread()];
  const started = deferred<typeof late>();
  const start = () => started.promise;
  const supervisor = supervise(first, { ...quiet, start, longestStartMs: 5 });
  first.end();
  await until(() => supervisor.stuck);
  t.notOk(supervisor.up);
  await supervisor.close();

  started.resolve(late);
  await until(() => late.isClosed);
  t.notOk(supervisor.stuck, 'it has come after all, and is ended');
});
