import type { Step } from '../tiling/plan.ts';
import { dispatch, owedAfter } from './dispatch.ts';
import type { Candidate, SlotState } from './dispatch.ts';
import { isTiled } from './queue-entry.ts';
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
  readonly left: Step[];
}

/** A slot in the time to come. */
interface SimulatedSlot {
  free: number;
  tiled: Simulated | undefined;
  owed: number;
}

/**
 * When a task that arrives now will be done at the latest: plays the rules of dispatch forward over
 * what is known, one by one, with the upper bounds of the service times learnt so far.
 *
 * The answer is as good as those times. A tile that nobody is known to wait for counts twice, since
 * who arrives later may have as much of the runner's time; a tiled picture may end one batch later.
 * A task of one step is not delayed by later ones, save by those that a batch takes along in time,
 * and by the one run that began before it was ready; where batches run beside a tiled picture, it
 * may end one tile later.
 */
export function completionTime(
  task: Task,
  queue: readonly QueueEntry[],
  slots: readonly Slot[],
  serviceTimes: ServiceTimes,
  now: number,
): number {
  const target = simulate(task, task.steps);
  const announced = (steps: readonly Step[]) => steps.map((step) => simulate(stepAlone, [step]));
  const waiting = [
    ...queue.flatMap((entry) => [
      ...announced(entry.announced),
      simulate(entry.task, entry.task.steps),
    ]),
    ...announced(task.before ?? []),
    target,
  ];
  const simulated = slots.map((slot) => simulateSlot(slot, now));
  // With no worker up, one that is about to come.
  if (simulated.length === 0) simulated.push({ free: now, tiled: undefined, owed: 0 });

  for (;;) {
    const slot = simulated.reduce((first, other) => (other.free < first.free ? other : first));
    const next = dispatch(slot, waiting, slot.free, { serviceTimes, maxBatch: 1 });
    if (!next) {
      slot.free = Infinity; // the others have the rest
      continue;
    }
    const [entry] = next.run;
    for (const gone of [entry, next.tiled]) {
      const at = gone ? waiting.indexOf(gone) : -1;
      if (at >= 0) waiting.splice(at, 1);
    }
    slot.tiled = next.tiled;
    const ms = serviceTimes.bound(entry.left.splice(0, 1));
    const isTile = entry === slot.tiled;
    slot.owed = owedAfter(slot, isTile, ms, waiting.length > 0);
    slot.free += isTile && waiting.every(isTiled) ? 2 * ms : ms;
    if (entry.left.length > 0) continue;
    if (entry === target) return slot.free;
    if (isTile) slot.tiled = undefined;
  }
}

const stepAlone: Task = { key: undefined, steps: [], pixels: 0 };

function simulate(task: Task, left: readonly Step[]): Simulated {
  return { task, left: [...left], job: true, slackMs: Infinity };
}

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
  return done < task.steps.length ? simulate(task, task.steps.slice(done)) : undefined;
}
