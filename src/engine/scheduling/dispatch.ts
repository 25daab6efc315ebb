/**
 * The rules of who runs next, as pure functions: the scheduler obeys them, and the estimate of a
 * completion time plays them forward.
 */
import type { Task } from './queue-entry.ts';
import { isReady, isTiled } from './queue-entry.ts';
import type { ServiceTimes } from './service-times.ts';

/** What the rules look at in a queue's entry. */
export interface Candidate {
  readonly task: Task;
  /** Undefined while it is being prepared: such an entry keeps its place and lets others pass. */
  readonly job: unknown;
  /** How much later than estimated it may end. */
  readonly slackMs: number;
}

/** What the rules look at in a runner's slot. */
export interface SlotState<E> {
  /** The tiled picture that has begun here. */
  readonly tiled: E | undefined;
  /** Milliseconds by which the tiled picture is ahead of the others in its use of the runner. */
  readonly owed: number;
}

export interface Rules {
  readonly serviceTimes: ServiceTimes;
  /** Most jobs that run together. */
  readonly maxBatch: number;
}

export interface Dispatch<E> {
  /** What runs together now; all but `tiled` are in the queue. */
  readonly run: readonly [E, ...E[]];
  /** The tiled picture that the slot holds from now on, perhaps taken out of the queue. */
  readonly tiled: E | undefined;
  /** Milliseconds of slack that this costs those whom it overtakes. */
  readonly delays: ReadonlyMap<E, number>;
}

/**
 * What a free slot runs next: the first that is ready, with what has its key behind it; nothing waits
 * for others to come (src/DECISIONS.md). A tiled picture is taken when its turn has come, and from
 * then on shares the slot evenly, in time, with those behind it, so that neither waits for the other
 * to end. Undefined when nothing is ready.
 */
export function dispatch<E extends Candidate>(
  slot: SlotState<E>,
  queue: readonly E[],
  now: number,
  rules: Rules,
): Dispatch<E> | undefined {
  const first = queue.find(isReady);
  const head = first && isTiled(first) ? queue.find(isReadyAndWhole) : first;
  const delays = new Map<E, number>();
  const tiled = slot.tiled ?? takeTiled(first, queue, rules, delays);
  if (tiled && (!head || slot.owed <= 0)) return { run: [tiled], tiled, delays };
  if (!head) return undefined;
  return { run: batchOf(head, queue, now, rules, tiled ? 2 : 1, delays), tiled, delays };
}

const isReadyAndWhole = (entry: Candidate) => isReady(entry) && !isTiled(entry);

/**
 * The first that is ready, if it is a tiled picture that may have the slot. Tiled pictures in front
 * that are not ready wait for all of it, and must have the time.
 */
function takeTiled<E extends Candidate>(
  first: E | undefined,
  queue: readonly E[],
  { serviceTimes }: Rules,
  delays: Map<E, number>,
): E | undefined {
  if (!first || !isTiled(first)) return undefined;
  const ms = serviceTimes.estimate(first.task.steps);
  const passed = queue.slice(0, queue.indexOf(first)).filter(isTiled);
  if (passed.some(({ slackMs }) => slackMs < ms)) return undefined;
  for (const entry of passed) delays.set(entry, ms);
  return first;
}

/**
 * `head` and what has its key from behind it, as long as nobody whom that delays would miss a
 * deadline. Those in the batch end with it, whatever was estimated when they came: under load they
 * are ahead of that, and batches keep them so. Those who are overtaken have their slack; next to a
 * tiled picture, which is given as much time again, a joiner counts twice (`share`).
 */
function batchOf<E extends Candidate>(
  head: E,
  queue: readonly E[],
  now: number,
  { serviceTimes, maxBatch }: Rules,
  share: number,
  delays: Map<E, number>,
): [E, ...E[]] {
  const batch: [E, ...E[]] = [head];
  const at = queue.indexOf(head);
  // Those in front who are not ready are passed in any case: a joiner has what time that leaves them.
  const overtaken = queue.slice(0, at).filter((entry) => !isReady(entry));
  const slackOf = (entry: E) => entry.slackMs - (delays.get(entry) ?? 0);
  const delay = (ms: number) => {
    for (const entry of overtaken) delays.set(entry, (delays.get(entry) ?? 0) + ms);
  };
  delay(share * serviceTimes.estimate(head.task.steps));
  if (head.task.key === undefined) return batch;
  for (let i = at + 1; i < queue.length && batch.length < maxBatch; i++) {
    const entry = queue[i] as E;
    if (entry.task.key !== head.task.key || !isReady(entry)) {
      overtaken.push(entry);
      continue;
    }
    const ms = share * serviceTimes.estimate(entry.task.steps);
    const together = [...batch, entry];
    const end = now + serviceTimes.estimate(together.flatMap(({ task }) => task.steps));
    if (together.some(({ task: { deadline = Infinity } }) => end > deadline)) break;
    if (overtaken.some((other) => slackOf(other) < ms)) break;
    delay(ms);
    batch.push(entry);
  }
  return batch;
}

/**
 * The books between a tiled picture and the others, after a run of `ms`: what the slot owes.
 * @param ranTiled whether the run was a tile of the picture that the slot holds
 */
export function owedAfter(
  { tiled, owed }: SlotState<unknown>,
  ranTiled: boolean,
  ms: number,
  someoneWaits: boolean,
): number {
  if (!tiled) return 0;
  if (!ranTiled) return owed - ms;
  // Time that nobody waited for is owed once, to the next who comes, and does not add up.
  return someoneWaits ? owed + ms : ms;
}
