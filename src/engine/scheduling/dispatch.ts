/** A runner's place in the schedule: what it does now, and what it takes next. */
import type { Rates } from './service-times.ts';
import { isReady, isTiled } from './queue-entry.ts';
import type { Ticket } from './queue-entry.ts';

export interface Line<T = unknown> {
  /** The step under way; `until` is when it should end. */
  running: { readonly start: number; readonly until: number; readonly tiled: boolean } | undefined;
  /** The tiled picture that has begun here. */
  tiled: Ticket<T> | undefined;
  /** Milliseconds by which the tiled picture is ahead of the others in its use of the runner. */
  owed: number;
}

export function emptyLine<T>(): Line<T> {
  return { running: undefined, tiled: undefined, owed: 0 };
}

/**
 * Takes the tickets that run together next out of `waiting`; none when there is nothing to do.
 * Those whose work is not there yet keep their places, and let others pass.
 */
export function chooseNext<T>(
  line: Line<T>,
  waiting: Ticket<T>[],
  rates: Rates,
  maxBatch: number,
  now: number,
): Ticket<T>[] {
  const first = waiting.find(isReady);
  if (!line.tiled && first && isTiled(first)) line.tiled = take(waiting, first);
  const { tiled, owed } = line;
  const head = waiting.find((ticket) => isReady(ticket) && !isTiled(ticket));
  if (tiled && (!head || owed <= 0)) return [tiled];
  return head ? takeBatch(head, waiting, rates, maxBatch, now, tiled ? 2 : 1) : [];
}

/**
 * Takes `head` and what has its key from behind it, as long as nobody whom that delays would miss
 * a deadline. Those in the batch end with it, whatever was promised when they came: under load they
 * are ahead of that, and batches keep them so. Those who are overtaken have the slack of their
 * promise; next to a tiled picture, which is given as much time again, a joiner counts twice
 * (`share`).
 */
function takeBatch<T>(
  head: Ticket<T>,
  waiting: Ticket<T>[],
  rates: Rates,
  maxBatch: number,
  now: number,
  share: number,
): Ticket<T>[] {
  if (head.task.key === undefined) return [take(waiting, head)];
  const batch = [head];
  const at = waiting.indexOf(head);
  // Those in front who are not ready are passed in any case: a joiner has what time that leaves them.
  const overtaken = waiting.slice(0, at).filter((ticket) => !isReady(ticket));
  for (const other of overtaken) other.slackMs -= share * rates.estimate(head.task.steps);
  for (const ticket of waiting.slice(at + 1)) {
    if (batch.length >= maxBatch) break;
    if (ticket.task.key !== head.task.key || !isReady(ticket)) {
      overtaken.push(ticket);
      continue;
    }
    const ms = share * rates.estimate(ticket.task.steps);
    const together = [...batch, ticket];
    const end = now + rates.estimate(together.flatMap(({ task }) => task.steps));
    if (together.some(({ task: { deadline = Infinity } }) => end > deadline)) break;
    if (overtaken.some(({ slackMs }) => slackMs < ms)) break;
    for (const other of overtaken) other.slackMs -= ms;
    batch.push(ticket);
  }
  return batch.map((ticket) => take(waiting, ticket));
}

function take<T>(waiting: Ticket<T>[], ticket: Ticket<T>): Ticket<T> {
  waiting.splice(waiting.indexOf(ticket), 1);
  return ticket;
}

/** Keeps the books between a tiled picture and the others: `ms` went to `ticket`. */
export function account<T>(
  line: Line<T>,
  ticket: Ticket<T> | undefined,
  ms: number,
  someoneWaits: boolean,
): void {
  if (!line.tiled) line.owed = 0;
  else if (line.tiled !== ticket) line.owed -= ms;
  // Time that nobody waited for is owed once, to the next who comes, and does not add up.
  else line.owed = someoneWaits ? line.owed + ms : ms;
}
