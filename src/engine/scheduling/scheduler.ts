/**
 * Admission, the queue, and the runners behind it. Nothing here knows pixels, threads or timers: jobs,
 * runners and the clock are handed in, and the rules of who runs next are those of dispatch.ts.
 *
 * A task is queued when its size is known, or refused. Its job is prepared when its turn is near, so
 * that few pictures are held decoded. The caller hears of the end, good or bad, only when preparing
 * has ended: nothing that a task started outlives it.
 */
import { ServiceError } from '../../errors.ts';
import type { Step } from '../tiling/plan.ts';
import type { EngineEvents, Timed } from '../types.ts';
import { createAdmission } from './admission.ts';
import type { AdmissionOptions } from './admission.ts';
import type { Slot } from './completion-time.ts';
import { dispatch, owedAfter } from './dispatch.ts';
import type { Dispatch } from './dispatch.ts';
import { inferenceFailed } from './queue-entry.ts';
import type { Prepare, QueueEntry, Task } from './queue-entry.ts';
import { createQueue } from './queue.ts';
import type { Outcome, Runner } from './runner.ts';

export interface SchedulerOptions extends AdmissionOptions {
  /** How many are prepared beside those that run next. */
  readonly ahead: number;
  readonly events: EngineEvents;
  /** Calls back when what was just answered has been acted upon: `setImmediate`. */
  readonly defer: (act: () => void) => void;
}

export interface Scheduler<J> {
  /**
   * Queues a task, prepares its job when its turn is near, and runs it.
   *
   * Rejects with a ServiceError: at once when the queue is full, the deadline out of reach or the
   * client gone, later when the task is dropped or its run fails; and with what `prepare` rejects.
   */
  submit(task: Task, prepare: Prepare<J>): Promise<Timed<unknown>>;
  /** The same for a task whose job is there, which runs as soon as a runner is free for it. */
  submitMade(task: Task, job: J): Promise<Timed<unknown>>;
  /** Throws what `submit` would reject this task with at once, and any that is no smaller. */
  assertOpen(smallest: Task): void;
  add(runner: Runner<J>): void;
  /** What the runner is running still settles; a tiled picture that it holds is lost. */
  remove(runner: Runner<J>): void;
  /** No runner may come: until one does, where there is none, who waits or comes is answered with this. */
  fail(reason: ServiceError): void;
  /** How long the longest of the steps under way has been running, in milliseconds. */
  longestStepMs(): number;
  /** Refuses new tasks; resolves when all that were accepted have been answered. */
  close(): Promise<void>;
}

/** A slot as the scheduler changes it. */
type MutableSlot<J> = { -readonly [K in keyof Slot<J>]: Slot<J>[K] };

export function createScheduler<J>(options: SchedulerOptions): Scheduler<J> {
  const { now, serviceTimes, maxBatch, ahead, events, defer } = options;
  const admission = createAdmission(options);
  const slots = new Map<Runner<J>, MutableSlot<J>>();
  const queue = createQueue<J>({
    now,
    events,
    onPrepared: runIdle,
    onDropped: (entry) => {
      release(entry);
      defer(runIdle); // somebody may have waited for it
    },
    mostPrepared: () => ahead + maxBatch * slots.size,
    onBusy: (busy) => {
      admission.noteBusy(busy);
    },
    unserved,
  });
  let closing = false;
  let failed: ServiceError | undefined;

  function admit(task: Task, likely?: Task): number {
    if (closing) throw shuttingDown();
    if (failed && slots.size === 0) throw failed;
    dropExpired();
    return admission.admit(task, queue.waiting, [...slots.values()], queue.isIdle, likely);
  }

  function runIdle(): void {
    for (const [runner, slot] of slots) {
      if (!slot.running) runNext(runner, slot);
    }
  }

  function runNext(runner: Runner<J>, slot: MutableSlot<J>): void {
    dropExpired();
    const start = now();
    const next = dispatch(slot, queue.waiting, start, { serviceTimes, maxBatch });
    if (!next) return;
    const steps = begin(slot, next, start);
    const { run } = next;
    const { tiled } = slot.running ?? {};

    const finish = (outcomes: readonly Outcome[]) => {
      const ms = now() - start;
      slot.running = undefined;
      slot.owed = owedAfter(slot, tiled === true, ms, queue.waiting.length > 0);
      if (outcomes.every((outcome) => 'value' in outcome)) serviceTimes.learn(steps, ms);
      if (tiled && outcomes.length > 0) slot.tiled = undefined;
      for (const [index, entry] of run.entries()) answer(entry, outcomes[index], ms, run.length);
      if (slots.get(runner) !== slot) lose(slot);
    };
    runner
      .run(run.map(({ job }) => job as J))
      .then(finish, (error: unknown) => {
        finish(run.map(() => ({ error })));
        remove(runner);
      })
      .finally(() => {
        // The task before which this ran may be ready in a moment, and has its turn first.
        if (run.some(({ isPart }) => isPart)) defer(runIdle);
        else runIdle();
      });
  }

  /** Does what the rules say. @returns the steps that run */
  function begin(
    slot: MutableSlot<J>,
    { run, tiled, delays }: Dispatch<QueueEntry<J>>,
    start: number,
  ): readonly Step[] {
    for (const [entry, ms] of delays) entry.slackMs -= ms;
    queue.take(tiled ? [...run, tiled] : run);
    slot.tiled = tiled;
    const steps = run.flatMap(({ task, done }) => task.steps[done] ?? []);
    const until = start + serviceTimes.estimate(steps);
    slot.running = { start, until, tiled: run[0] === tiled };
    if (run[0].done === 0) {
      events.onQueueDepth(queue.waiting.length);
      events.onBatch({
        size: run.length,
        pixels: run.reduce((sum, { task }) => sum + task.pixels, 0),
        queueMs: run.map(({ arrival }) => start - arrival),
      });
    }
    queue.prepareNear();
    return steps;
  }

  function answer(
    entry: QueueEntry<J>,
    outcome: Outcome | undefined,
    ms: number,
    batchSize: number,
  ): void {
    entry.done++;
    entry.inferMs += ms;
    if (!outcome) return; // a large picture, unfinished
    if ('error' in outcome) {
      entry.settle(inferenceFailed(outcome.error));
      return;
    }
    const { arrival, inferMs } = entry;
    const queueMs = now() - arrival - inferMs;
    entry.settle({ value: outcome.value, queueMs, inferMs, batchSize });
  }

  function dropExpired(): void {
    queue.dropExpired([...slots.values()].flatMap(({ tiled }) => tiled ?? []));
  }

  /** A tiled picture that has begun, and will not go on. */
  function release(entry: QueueEntry<J>): void {
    for (const [runner, slot] of slots) {
      if (slot.tiled !== entry) continue;
      slot.tiled = undefined;
      runner.drop(entry.job as J);
    }
  }

  function remove(runner: Runner<J>): void {
    const slot = slots.get(runner);
    slots.delete(runner);
    // Its last tile may be under way, and done.
    if (slot && !slot.running?.tiled) lose(slot);
    abandon();
  }

  function lose(slot: MutableSlot<J>): void {
    const { tiled } = slot;
    if (!tiled) return;
    slot.tiled = undefined;
    // It was chosen, but has not begun: the next runner takes it.
    if (tiled.done === 0) queue.putBack(tiled);
    else tiled.settle(inferenceFailed(new Error('The worker that held the picture is gone')));
  }

  /** Why nobody is served: there is no runner, and the scheduler closes or has failed. */
  function unserved(): ServiceError | undefined {
    if (slots.size > 0) return undefined;
    return failed ?? (closing ? shuttingDown() : undefined);
  }

  /** Nobody waits for a runner that may never come. */
  function abandon(): void {
    const reason = unserved();
    if (reason) queue.dropAll(reason);
  }

  return {
    // Rejects, does not throw.
    submit: async (task, prepare) => queue.add(task, prepare, admit(task)),
    submitMade: async (task, job) => queue.addMade(task, job, admit(task)),
    assertOpen(smallest) {
      // Who is turned away unseen is likely to bring what the others have brought.
      const last = queue.waiting.findLast(({ isPart }) => !isPart);
      admit(smallest, last?.task);
    },
    add(runner) {
      failed = undefined;
      slots.set(runner, { running: undefined, tiled: undefined, owed: 0 });
      queue.prepareNear();
      runIdle();
    },
    remove,
    fail(reason) {
      failed = reason;
      abandon();
    },
    longestStepMs() {
      const starts = [...slots.values()].flatMap(({ running }) => running?.start ?? []);
      return Math.max(0, ...starts.map((start) => now() - start));
    },
    close() {
      closing = true;
      abandon();
      return queue.drained();
    },
  };
}

const shuttingDown = () => new ServiceError('closing', 'The service is shutting down.');
