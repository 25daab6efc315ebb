/**
 * Who runs next. Nothing here knows pixels, threads or timers: work, runners and the clock are
 * handed in.
 *
 * A request takes a place in one line when its size is known, or is refused; its pixels follow when
 * its turn is near, so that few are held decoded. A free runner takes the first whose work is there,
 * and what has the same key behind it, up to `maxBatch`, as long as nobody who waits longer for it
 * would miss a deadline. A task of several steps (a tiled picture) starts when its turn has come;
 * from then on it shares its runner evenly, in time, with the requests behind it, so that neither
 * waits for the other to end.
 */
import { ServiceError } from '../../errors.ts';
import { createAdmission } from './admission.ts';
import type { AdmissionOptions } from './admission.ts';
import { deferred } from './deferred.ts';
import { account, chooseNext, emptyLine } from './dispatch.ts';
import type { Line } from './dispatch.ts';
import type { Outcome } from '../workers/messages.ts';
import { clientClosed, deadlineExceeded, inferenceFailed } from './queue-entry.ts';
import type { Task, Ticket } from './queue-entry.ts';
import type { EngineEvents, Timed } from '../types.ts';

export interface Runner<T> {
  /**
   * Runs one step of work that has one key. Answers with an outcome for each, or with none while
   * work of several steps is unfinished. Rejects when the runner is lost.
   */
  run(work: readonly T[]): Promise<readonly Outcome[]>;
  /** Forgets work that has begun and will not go on. */
  drop(work: T): void;
}

export interface SchedulerOptions extends AdmissionOptions {
  /** How many are asked for their work beside those that run next. */
  readonly ahead: number;
  readonly events: EngineEvents;
}

/** In the line. */
export interface Place<T> {
  /** Resolves when the work is wanted, rejects with a ServiceError when it no longer is. */
  readonly near: Promise<undefined>;
  /** Rejects with a ServiceError. */
  submit(work: T): Promise<Timed<unknown>>;
  /** Gives the place up, if no work has come. */
  release(): void;
}

export interface Scheduler<T> {
  /** @throws ServiceError when the queue is full, the deadline out of reach or the client gone */
  reserve(task: Task): Place<T>;
  add(runner: Runner<T>): void;
  /** What the runner is running still settles; a tiled picture that it holds is lost. */
  remove(runner: Runner<T>): void;
  /** No runner comes any more: where there is none, who waits is answered with this, and so is who comes. */
  giveUp(reason: ServiceError): void;
  /** How long the longest of the steps under way has been running, in milliseconds. */
  longestStepMs(): number;
  /** Refuses new tasks; resolves when all that were accepted have been answered. */
  close(): Promise<void>;
}

export function createScheduler<T>(options: SchedulerOptions): Scheduler<T> {
  const { now, rates, maxBatch, ahead, events } = options;
  const admission = createAdmission(options);
  const lines = new Map<Runner<T>, Line<T>>();
  const waiting: Ticket<T>[] = [];
  /** Every ticket that has no answer yet. */
  const open = new Set<Ticket<T>>();
  let onDrained: (() => void) | undefined;
  let hopeless: ServiceError | undefined;

  function reserve(task: Task): Place<T> {
    if (onDrained) throw new ServiceError('closing', 'The service is shutting down.');
    if (hopeless && lines.size === 0) throw hopeless;
    forgetExpired();
    const slackMs = admission.admit(task, waiting, [...lines.values()], open.size === 0);
    const arrival = now();
    /** For how long the work was not asked for. */
    let uncalledMs = 0;
    const called = deferred<undefined>();
    const settled = deferred<Timed<unknown>>();
    const abort = () => {
      forget(ticket, clientClosed());
    };
    const ticket: Ticket<T> = {
      ...{ task, work: undefined, arrival, slackMs, done: 0, inferMs: 0 },
      call() {
        uncalledMs = now() - arrival;
        called.resolve(undefined);
        ticket.call = () => undefined;
      },
      settle(result) {
        if (!open.delete(ticket)) return;
        task.signal?.removeEventListener('abort', abort);
        if (result instanceof ServiceError) {
          called.reject(result);
          settled.reject(result);
        } else settled.resolve(result);
        if (open.size > 0) return;
        admission.note(false);
        onDrained?.();
      },
    };
    task.signal?.addEventListener('abort', abort, { once: true });
    if (open.size === 0) admission.note(true);
    open.add(ticket);
    waiting.push(ticket);
    events.onQueueDepth(waiting.length);
    callNext();
    return {
      near: called.promise,
      submit(work) {
        ticket.work = work;
        ticket.arrival = now() - uncalledMs;
        runIdle();
        return settled.promise;
      },
      release() {
        if (ticket.work === undefined) forget(ticket, clientClosed());
      },
    };
  }

  /** Asks those at the front of the line for their work. */
  function callNext(): void {
    for (const ticket of waiting.slice(0, ahead + maxBatch * lines.size)) ticket.call();
  }

  function runIdle(): void {
    for (const [runner, line] of lines) {
      if (!line.running) runNext(runner, line);
    }
  }

  function runNext(runner: Runner<T>, line: Line<T>): void {
    forgetExpired();
    const tickets = chooseNext(line, waiting, rates, maxBatch, now());
    const [first] = tickets;
    if (!first) return;
    const start = now();
    const steps = tickets.flatMap(({ task, done }) => task.steps[done] ?? []);
    line.running = { start, until: start + rates.estimate(steps), tiled: first === line.tiled };
    if (first.done === 0) tellBatch(tickets, start);
    callNext();

    const finish = (outcomes: readonly Outcome[]) => {
      const ms = now() - start;
      line.running = undefined;
      account(line, first, ms, waiting.length > 0);
      if (outcomes.every((outcome) => 'value' in outcome)) rates.learn(steps, ms);
      answer(line, tickets, outcomes, ms);
      if (lines.get(runner) !== line) lose(line);
    };
    runner
      .run(tickets.map(({ work }) => work as T))
      .then(finish, (error: unknown) => {
        finish(tickets.map(() => ({ error })));
        remove(runner);
      })
      .finally(runIdle);
  }

  function tellBatch(tickets: readonly Ticket<T>[], start: number): void {
    events.onQueueDepth(waiting.length);
    events.onBatch({
      size: tickets.length,
      pixels: tickets.reduce((sum, { task }) => sum + task.pixels, 0),
      queueMs: tickets.map(({ arrival }) => start - arrival),
    });
  }

  function answer(
    line: Line<T>,
    tickets: readonly Ticket<T>[],
    outcomes: readonly Outcome[],
    ms: number,
  ): void {
    if (line.tiled === tickets[0] && outcomes.length > 0) line.tiled = undefined;
    for (const [index, ticket] of tickets.entries()) {
      ticket.done++;
      ticket.inferMs += ms;
      const outcome = outcomes[index];
      if (!outcome) continue;
      if ('error' in outcome) {
        ticket.settle(inferenceFailed(outcome.error));
        continue;
      }
      const { arrival, inferMs } = ticket;
      const queueMs = now() - arrival - inferMs;
      ticket.settle({ value: outcome.value, queueMs, inferMs, batchSize: tickets.length });
    }
  }

  function forgetExpired(): void {
    const begun = [...lines.values()].flatMap(({ tiled }) => tiled ?? []);
    for (const ticket of [...waiting, ...begun]) {
      if (now() >= (ticket.task.deadline ?? Infinity)) forget(ticket, deadlineExceeded());
    }
  }

  /** Answers with `reason` and saves what work is left; a step under way ends for nobody. */
  function forget(ticket: Ticket<T>, reason: ServiceError): void {
    const place = waiting.indexOf(ticket);
    if (place >= 0) {
      waiting.splice(place, 1);
      events.onQueueDepth(waiting.length);
      callNext();
    }
    for (const [runner, line] of lines) {
      if (line.tiled !== ticket) continue;
      line.tiled = undefined;
      runner.drop(ticket.work as T);
    }
    ticket.settle(reason);
  }

  function remove(runner: Runner<T>): void {
    const line = lines.get(runner);
    lines.delete(runner);
    // Its last tile may be under way, and done.
    if (line && !line.running?.tiled) lose(line);
    if (onDrained || hopeless) abandon();
  }

  function lose(line: Line<T>): void {
    const { tiled } = line;
    if (!tiled) return;
    line.tiled = undefined;
    // It was chosen, but has not begun: the next runner takes it.
    if (tiled.done === 0) events.onQueueDepth(waiting.unshift(tiled));
    else tiled.settle(inferenceFailed(new Error('The worker that held the picture is gone')));
  }

  /** Nobody waits for a runner that may never come: the scheduler closes, or has been given up. */
  function abandon(): void {
    if (lines.size > 0) return;
    const reason = hopeless ?? inferenceFailed(new Error('There is no worker'));
    for (const ticket of waiting.splice(0)) ticket.settle(reason);
    events.onQueueDepth(waiting.length);
  }

  return {
    reserve,
    add(runner) {
      lines.set(runner, emptyLine());
      callNext();
      runIdle();
    },
    remove,
    giveUp(reason) {
      hopeless = reason;
      abandon();
    },
    longestStepMs() {
      const starts = [...lines.values()].flatMap(({ running }) => running?.start ?? []);
      return Math.max(0, ...starts.map((start) => now() - start));
    },
    close: () =>
      new Promise((resolve) => {
        onDrained = resolve;
        abandon();
        if (open.size === 0) resolve();
      }),
  };
}
