import type { Step } from '../tiling/plan.ts';
import { dispatch, owedAfter } from './dispatch.ts';
import type { Candidate, SlotState } from './dispatch.ts';
import type { QueueEntry, Task } from './queue-entry.ts';
import type { ServiceTimes } from './service-times.ts';

/** A runner's slot as it stands. */
export interface Slot<J = unknown> extends SlotState<QueueEntry<J>> {
  /** The step under way; `until` is when it should end. */
  readonly running:
    { readonly start: number; readonly until: number; readonly tiled: boolean } | undefined;
}

/** An entry in the time to come: everything is ready by then. */
interface Simulated extends Candidate {
  /** Its place in the queue. */
  readonly at: number;
  readonly steps: readonly Step[];
  done: number;
}

/** A slot in the time to come. */
interface SimulatedSlot {
  free: number;
  tiled: Simulated | undefined;
  owed: number;
}

/**
 * When a task that arrives now will be done at the latest: plays the rules of dispatch forward over
 * what is known, one by one, with the upper bounds of the service times learnt so far (of a run
 * under way: with when it should end). The answer is as good as those times, and may be too early
 *
 * - for a tiled picture, by a batch: a tile that nobody is known to wait for counts twice, since who
 *   arrives later may have as much of the runner's time;
 * - for a task of one step, by what a batch takes along in time, by the one run that began before it
 *   was ready, and by a tile where batches run beside a tiled picture.
 */
export function completionTime(
  task: Task,
  queue: readonly QueueEntry[],
  slots: readonly Slot[],
  serviceTimes: ServiceTimes,
  now: number,
): number {
  const waiting = simulateQueue(task, queue);
  const simulated = slots.map((slot) => simulateSlot(slot, now));
  // With no worker up, one that is about to come.
  if (simulated.length === 0) simulated.push({ free: now, tiled: undefined, owed: 0 });

  for (;;) {
    const slot = simulated.reduce((first, other) => (other.free < first.free ? other : first));
    const next = dispatch(slot, waiting.front(), slot.free, { serviceTimes, maxBatch: 1 });
    if (!next) {
      slot.free = Infinity; // the others have the rest
      continue;
    }
    const [entry] = next.run;
    if (next.tiled !== slot.tiled) waiting.take(next.tiled as Simulated);
    if (entry !== next.tiled) waiting.take(entry);
    slot.tiled = next.tiled;
    const isTile = entry === slot.tiled;
    const ms = serviceTimes.bound([entry.steps[entry.done++] as Step]);
    slot.owed = owedAfter(slot, isTile, ms, waiting.front().length > 0);
    slot.free += isTile && !waiting.hasWhole() ? 2 * ms : ms;
    if (entry.done < entry.steps.length) continue;
    if (entry === waiting.target) return slot.free;
    if (isTile) slot.tiled = undefined;
  }
}

/**
 * The queue in the time to come, with the task at its end. Where all are ready and run one by one,
 * the rules only ask for the first of all and the first that is not in tiles.
 */
function simulateQueue(task: Task, queue: readonly QueueEntry[]) {
  const lines = { whole: [] as Simulated[], tiled: [] as Simulated[] };
  const taken = { whole: 0, tiled: 0 };
  let at = 0;
  const add = (task: Task, steps: readonly Step[]): Simulated => {
    const entry = { at: at++, task, steps, done: 0, job: true, slackMs: Infinity };
    lines[steps.length > 1 ? 'tiled' : 'whole'].push(entry);
    return entry;
  };
  const addBefore = (parts: readonly (readonly Step[])[] = []) => {
    for (const steps of parts) add(alone, steps);
  };
  for (const entry of queue) {
    addBefore(entry.announced);
    add(entry.task, entry.task.steps);
  }
  addBefore(task.before);
  const target = add(task, task.steps);
  return {
    target,
    front: () =>
      [lines.whole[taken.whole], lines.tiled[taken.tiled]]
        .filter((entry) => entry !== undefined)
        .sort((a, b) => a.at - b.at),
    hasWhole: () => taken.whole < lines.whole.length,
    take: ({ steps }: Simulated) => {
      taken[steps.length > 1 ? 'tiled' : 'whole']++;
    },
  };
}

/** A task that nothing runs together with; its steps are the entry's. */
const alone: Task = { key: undefined, steps: [], pixels: 0 };

function simulateSlot(slot: Slot, now: number): SimulatedSlot {
  const { running, tiled } = slot;
  if (!running) return { free: now, tiled: tiled && remaining(tiled, tiled.done), owed: slot.owed };
  return {
    // A run that is late has as much still to come, for all that is known.
    free: Math.max(running.until, 2 * now - running.until),
    tiled: tiled && remaining(tiled, tiled.done + Number(running.tiled)),
    owed: owedAfter(slot, running.tiled, running.until - running.start, true),
  };
}

/** What is left of a tiled picture after so many steps; undefined when nothing is. */
function remaining({ task }: QueueEntry, done: number): Simulated | undefined {
  if (done >= task.steps.length) return undefined;
  return { at: -1, task, steps: task.steps, done, job: true, slackMs: Infinity };
}
