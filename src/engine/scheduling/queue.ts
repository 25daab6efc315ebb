import type { EngineEvents, Timed } from '../types.ts';
import { clientClosed, createEntry, deadlineExceeded } from './queue-entry.ts';
import type { CreatedEntry, Prepare, QueueEntry, Task } from './queue-entry.ts';

export interface QueueOptions<J> {
  readonly now: () => number;
  readonly events: EngineEvents;
  /** How many entries may be prepared at a time. */
  readonly mostPrepared: () => number;
  /** An entry is ready to run. */
  readonly onPrepared: () => void;
  /** An entry that may have begun is not wanted any more. */
  readonly onDropped: (entry: QueueEntry<J>) => void;
  /** There is something to do from now on, or nothing. */
  readonly onBusy: (busy: boolean) => void;
  /** Why nothing runs and nothing may come to run it, if that is so. */
  readonly unserved: () => Error | undefined;
}

/** Entries from their arrival to their answer. */
export interface Queue<J> {
  /** Those that have not begun, in their order. */
  readonly waiting: readonly QueueEntry<J>[];
  /** Every entry has its answer. */
  readonly isIdle: boolean;
  add(task: Task, prepare: Prepare<J>, slackMs: number): Promise<Timed<unknown>>;
  /**
   * Adds a task whose job is there already. It waits for none of those that are being prepared: they may
   * wait for memory that whoever has made it holds.
   */
  addMade(task: Task, job: J, slackMs: number): Promise<Timed<unknown>>;
  /** Prepares entries at the front, `mostPrepared` at a time (src/DECISIONS.md). */
  prepareNear(): void;
  /** Takes out those that begin. */
  take(entries: readonly QueueEntry<J>[]): void;
  /** Puts back what was taken and has not begun. */
  putBack(entry: QueueEntry<J>): void;
  /** Answers those whose deadline has passed, among who waits and `begun`. */
  dropExpired(begun: readonly QueueEntry<J>[]): void;
  /** Answers everybody who waits: nobody is served. */
  dropAll(reason: Error): void;
  /** Resolves when every entry has its answer and nothing is being prepared. */
  drained(): Promise<void>;
}

export function createQueue<J>(options: QueueOptions<J>): Queue<J> {
  const { now, events, mostPrepared, onPrepared, onDropped, onBusy, unserved } = options;
  const waiting: QueueEntry<J>[] = [];
  /** Every entry that has no answer yet. */
  const open = new Set<QueueEntry<J>>();
  /** How many of those that were dropped are still being prepared. */
  let lingering = 0;
  const onDrained = new Set<() => void>();

  /** @param parent the entry whose step this is; it goes in front of it */
  function enter(
    task: Task,
    prepare: Prepare<J>,
    slackMs: number,
    { isMade, parent }: { readonly isMade: boolean; readonly parent?: QueueEntry<J> },
  ): Promise<Timed<unknown>> {
    const abort = () => {
      drop(entry, clientClosed());
    };
    const created: CreatedEntry<J> = createEntry(task, prepare, {
      ...{ now, slackMs, isMade, isPart: parent !== undefined, onPrepared },
      async onPart(part, job) {
        const reason = unserved();
        if (reason) throw reason;
        return enter(part, () => job, Infinity, { isMade: true, parent: entry });
      },
      onFailed: (error) => {
        drop(entry, error);
      },
      onSettled: (lingers) => {
        task.signal?.removeEventListener('abort', abort);
        open.delete(entry);
        if (lingers) lingering++;
        if (open.size === 0) onBusy(false);
        checkDrained();
      },
      onLingerEnd: () => {
        lingering--;
        prepareNear();
        checkDrained();
      },
    });
    const { entry, result } = created;
    task.signal?.addEventListener('abort', abort, { once: true });
    if (open.size === 0) onBusy(true);
    open.add(entry);
    // Where the parent is gone those who want it are near the front.
    waiting.splice(parent ? Math.max(0, waiting.indexOf(parent)) : waiting.length, 0, entry);
    events.onQueueDepth(waiting.length);
    if (isMade) void entry.prepare();
    else prepareNear();
    return result;
  }

  function prepareNear(): void {
    const near: QueueEntry<J>[] = [];
    const most = mostPrepared() - lingering;
    for (const entry of waiting) {
      if (near.length >= most) break;
      if (!entry.isMade) near.push(entry);
    }
    for (const entry of near) void entry.prepare();
  }

  /** Answers with `reason` and saves what work is left; a step under way ends for nobody. */
  function drop(entry: QueueEntry<J>, reason: Error): void {
    const at = waiting.indexOf(entry);
    if (at >= 0) {
      waiting.splice(at, 1);
      events.onQueueDepth(waiting.length);
    }
    onDropped(entry);
    entry.settle(reason);
    prepareNear();
  }

  function checkDrained(): void {
    if (open.size > 0 || lingering > 0) return;
    for (const resolve of onDrained) resolve();
  }

  return {
    waiting,
    get isIdle() {
      return open.size === 0;
    },
    add: (task, prepare, slackMs) => enter(task, prepare, slackMs, { isMade: false }),
    addMade: (task, job, slackMs) => enter(task, () => job, slackMs, { isMade: true }),
    prepareNear,
    take(entries) {
      for (const entry of entries) {
        const at = waiting.indexOf(entry);
        if (at >= 0) waiting.splice(at, 1);
      }
    },
    putBack(entry) {
      events.onQueueDepth(waiting.unshift(entry));
    },
    dropExpired(begun) {
      for (const entry of [...waiting, ...begun]) {
        if (now() >= (entry.task.deadline ?? Infinity)) drop(entry, deadlineExceeded());
      }
    },
    dropAll(reason) {
      for (const entry of waiting.splice(0)) entry.settle(reason);
      events.onQueueDepth(0);
    },
    drained: () =>
      new Promise((resolve) => {
        onDrained.add(resolve);
        checkDrained();
      }),
  };
}
