import type { Line } from './dispatch.ts';
import type { Rates, Step } from './service-times.ts';
import { isTiled } from './queue-entry.ts';
import type { Ticket } from './queue-entry.ts';

/** A runner's future: when it is free, and the steps of tiled pictures that it has still to do. */
interface Slot {
  free: number;
  readonly steps: Step[];
  owed: number;
}

/**
 * When work of `steps` that arrives now will be done at the latest: plays the scheduler's rules
 * forward over what is known, with the upper bounds of the service times learnt so far.
 *
 * The answer is as good as those times. A tiled picture's steps count twice, since half of the
 * runner's time is its own whatever arrives later; it may end one batch later. A request of one
 * step is not delayed by later ones, save by those that a batch takes along in time, and
 * by the one run that began before its pixels were there; where batches run beside a tiled
 * picture, it may end one tile later.
 */
export function finishOf(
  steps: readonly Step[],
  waiting: readonly Ticket[],
  lines: readonly Line[],
  rates: Rates,
  now: number,
): number {
  const slots = lines.map((line) => slotOf(line, now));
  // With no worker up, one that is about to come.
  if (slots.length === 0) slots.push({ free: now, steps: [], owed: 0 });

  for (const ticket of waiting) {
    if (isTiled(ticket)) earliest(slots, rates, 1).steps.push(...ticket.task.steps);
    else runSmall(earliest(slots, rates), ticket.task.steps, rates);
  }
  if (steps.length > 1) {
    const slot = earliest(slots, rates, 2);
    return slot.free + 2 * rates.bound([...slot.steps, ...steps]);
  }
  return runSmall(earliest(slots, rates), steps, rates);
}

function slotOf({ running, tiled, owed }: Line, now: number): Slot {
  const ahead = running ? running.until - running.start : 0;
  return {
    // A run that is late has as much still to come, for all that is known.
    free: running ? Math.max(running.until, 2 * now - running.until) : now,
    steps: tiled ? tiled.task.steps.slice(tiled.done + (running?.tiled ? 1 : 0)) : [],
    owed: tiled ? owed + (running?.tiled ? ahead : -ahead) : 0,
  };
}

/** Runs the tiles that are due before it, then the single step; answers with the time. */
function runSmall(slot: Slot, steps: readonly Step[], rates: Rates): number {
  while (slot.steps.length > 0 && slot.owed <= 0) {
    const ms = rates.bound(slot.steps.splice(0, 1));
    slot.free += ms;
    slot.owed += ms;
  }
  const ms = rates.bound(steps);
  slot.owed = slot.steps.length > 0 ? slot.owed - ms : 0;
  return (slot.free += ms);
}

/** The slot that is free first; its tiled work counts `share` times. */
function earliest(slots: readonly Slot[], rates: Rates, share = 0): Slot {
  const ready = ({ free, steps }: Slot) => free + share * rates.bound(steps);
  return slots.reduce((best, slot) => (ready(slot) < ready(best) ? slot : best));
}
