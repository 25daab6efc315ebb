/**
 * The CPU's worker: three threads, of which either the first runs, with all cores, or the other two,
 * with half of the cores each. An operator leaves cores idle at its end and in what it cannot
 * divide, so two pictures side by side are done sooner than one after the other; a picture that
 * nobody waits behind is done soonest with all cores (`npm run bench -- side-by-side`).
 */
import type { Job, Outcome, WorkerSetup } from './messages.ts';
import { startThread } from './worker-thread.ts';
import type { WorkerThread } from './worker-thread.ts';

/**
 * Runs jobs of two items side by side, all others with all threads of the placement.
 * Resolves when all threads have warmed up, rejects with what kept one from that.
 */
export async function startTeam(setup: WorkerSetup, file?: URL): Promise<WorkerThread> {
  const { placement } = setup;
  const half = { ...setup, placement: { ...placement, threads: Math.ceil(placement.threads / 2) } };
  // One after the other, so that the first measures its speed with the cores to itself.
  const whole = await startThread(setup, file);
  const started = await Promise.allSettled([startThread(half, file), startThread(half, file)]);
  const halves = started.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  const members = [whole, ...halves];
  let closing = false;
  const close = () => {
    closing = true;
    for (const member of members) member.close();
  };
  const failed = started.find((one) => one.status === 'rejected');
  if (failed) {
    close();
    throw failed.reason;
  }

  const allEnded = Promise.all(members.map(({ ended }) => ended));
  const endOf = async ({ ended }: WorkerThread): Promise<Error> => {
    const reason = await ended;
    // The first that ends by itself is the end of the team.
    if (closing) await allEnded;
    else close();
    return reason;
  };
  return {
    speeds: whole.speeds,
    ended: Promise.race(members.map(endOf)),
    async run(job, buffers) {
      const jobs = split(job);
      if (jobs.length !== halves.length) return whole.run(job, buffers);
      const outcomes = await Promise.all(
        // What a thread takes along when it ends is its own picture, not the one beside it.
        halves.map((half, index) =>
          half
            .run(jobs[index] as Job, buffers.slice(index, index + 1))
            .catch((error: unknown): Outcome[] => [{ error }]),
        ),
      );
      return outcomes.flat();
    },
    drop(id) {
      whole.drop(id);
    },
    close,
  };
}

/** A job of many items as jobs of one item each. */
function split(job: Job): Job[] {
  switch (job.kind) {
    case 'tile':
      return [job];
    case 'describe':
      return job.items.map((item) => ({ kind: job.kind, items: [item] }));
    case 'stylize':
      return job.items.map((item) => ({ kind: job.kind, items: [item] }));
  }
}
