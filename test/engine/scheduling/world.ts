import { ServiceError } from '../../../src/errors.ts';
import type { ErrorCode } from '../../../src/errors.ts';
import { createServiceTimes } from '../../../src/engine/scheduling/service-times.ts';
import type { Step } from '../../../src/engine/tiling/plan.ts';
import { createScheduler } from '../../../src/engine/scheduling/scheduler.ts';
import type { SchedulerOptions } from '../../../src/engine/scheduling/scheduler.ts';
import type { Outcome, Runner } from '../../../src/engine/scheduling/runner.ts';
import type { Prepare, Task } from '../../../src/engine/scheduling/queue-entry.ts';
import type { Timed } from '../../../src/engine/types.ts';

const speeds = { describe: 500, stylize: 1000, 'tile-moments': 400, 'tile-stylize': 1000 };

export interface Job extends Task {
  readonly id: number;
}

/** A world with a clock of its own: runners take the time that their steps cost, times `noise`. */
export function createWorld(
  options: Partial<SchedulerOptions> = {},
  noise: () => number = () => 1,
) {
  const agenda: { at: number; act: () => void }[] = [];
  const world = {
    now: 0,
    runs: [] as { at: number; ids: number[]; keys: (string | undefined)[] }[],
    dropped: [] as number[],
    answers: new Map<number, { at: number; result: Timed<number> | ErrorCode; retry: number }>(),
    later(ms: number, act: () => void) {
      agenda.push({ at: world.now + ms, act });
    },
    /** Lets time pass until nothing is left to happen. */
    async settle() {
      await new Promise(setImmediate);
      while (agenda.length > 0) {
        agenda.sort((a, b) => a.at - b.at);
        const next = agenda.shift();
        if (!next) break;
        world.now = next.at;
        next.act();
        await new Promise(setImmediate);
      }
    },
  };
  const truth = createServiceTimes(speeds);
  const scheduler = createScheduler<Job>({
    now: () => world.now,
    serviceTimes: createServiceTimes(speeds),
    queueLimit: 1000,
    maxBatch: 1,
    ahead: 4,
    defer: (act) => {
      world.later(0, act);
    },
    events: { onQueueDepth: () => undefined, onBatch: () => undefined },
    ...options,
  });

  function createRunner(
    fails: (job: Job) => boolean = () => false,
  ): Runner<Job> & { die: () => void } {
    const done = new Map<Job, number>();
    let lost: ((reason: Error) => void) | undefined;
    return {
      run(jobs) {
        world.runs.push({
          at: world.now,
          ids: jobs.map(({ id }) => id),
          keys: jobs.map(({ key }) => key),
        });
        const steps = jobs.flatMap((job) => job.steps[done.get(job) ?? 0] ?? []);
        return new Promise((resolve, reject) => {
          lost = reject;
          world.later(truth.estimate(steps) * noise(), () => {
            for (const job of jobs) done.set(job, (done.get(job) ?? 0) + 1);
            const [first] = jobs;
            const unfinished = first && (done.get(first) ?? 0) < first.steps.length;
            resolve(unfinished ? [] : jobs.map((job) => outcomeOf(job, fails(job))));
          });
        });
      },
      drop: ({ id }) => world.dropped.push(id),
      die: () => lost?.(new Error('thread ended')),
    };
  }

  /** Preparing takes `late` milliseconds, from when its turn is near. */
  function submit(job: Job, late = 0): void {
    const come = () =>
      new Promise<Job>((resolve) => {
        world.later(late, () => {
          resolve(job);
        });
      });
    submitWith(job, late > 0 ? come : () => job);
  }

  function submitWith(job: Job, prepare: Prepare<Job>): void {
    const note = (result: Timed<number> | ErrorCode, retry = 0) => {
      if (world.answers.has(job.id)) throw new Error(`${job.id} was answered twice`);
      world.answers.set(job.id, { at: world.now, result, retry });
    };
    scheduler.submit(job, prepare).then(
      (timed) => {
        note({ ...timed, value: (timed.value as Float32Array)[0] ?? NaN });
      },
      (error: unknown) => {
        if (!(error instanceof ServiceError)) throw error;
        note(error.code, error.retryAfterSeconds);
      },
    );
  }
  return { ...{ world, scheduler, createRunner, submit, submitWith } };
}

const outcomeOf = ({ id }: Job, fails: boolean): Outcome =>
  fails ? { error: new Error('no') } : { value: Float32Array.of(id) };

/** One step. */
export const small = (id: number, megapixels: number, more: Partial<Job> = {}): Job => ({
  id,
  key: `stylize ${megapixels}`,
  steps: [{ kind: 'stylize', megapixels }],
  pixels: megapixels * 1e6,
  ...more,
});

/** A picture of so many tiles of half a megapixel: 0.2 s each to measure, 0.5 s to paint. */
export const tiled = (id: number, tiles: number, more: Partial<Job> = {}): Job => ({
  id,
  key: undefined,
  steps: (['tile-moments', 'tile-stylize'] as const).flatMap((kind) =>
    Array.from({ length: tiles }, (): Step => ({ kind, megapixels: 0.5 })),
  ),
  pixels: tiles * 5e5,
  ...more,
});

/** Prepares until the task is dropped. */
export const forever: Prepare<Job> = ({ signal }) =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
