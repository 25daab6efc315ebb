import t from 'tap';
import { deferred } from '../../../src/engine/scheduling/deferred.ts';
import { supervise } from '../../../src/engine/workers/supervisor.ts';
import type { SupervisorOptions } from '../../../src/engine/workers/supervisor.ts';

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

const quiet = { onUp: () => undefined, onDown: () => undefined, onRestart: () => undefined };
const never = () => new Promise<never>(() => undefined);
const soon = () => new Promise((resolve) => setTimeout(resolve, 10));

t.test('close waits for the thread that starts meanwhile', async (t) => {
  const [first, second] = [createThread(), createThread()];
  const started = deferred<typeof second>();
  const supervisor = supervise(first, { ...quiet, start: () => started.promise });
  first.end();
  await soon();
  let isClosed = false;
  const closing = supervisor.close().then(() => {
    isClosed = true;
  });
  started.resolve(second);
  await soon();
  t.ok(second.isClosed);
  t.notOk(isClosed, 'its last run may be under way');
  second.end();
  await closing;
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
  let isClosed = false;
  const closing = supervisor.close().then(() => {
    isClosed = true;
  });
  await soon();
  t.notOk(isClosed);
  thread.end();
  await closing;
});
