/**
 * The CPU's worker group: three threads, of which either the first runs, with all cores, or the other
 * two, with half of the cores each. An operator leaves cores idle at its end and in what it cannot
 * divide, so two pictures side by side are done sooner than one after the other; a picture that
 * nobody waits behind is done soonest with all cores (`npm run bench -- side-by-side`,
 * src/DECISIONS.md).
 */
import type { Outcome } from '../scheduling/runner.ts';
import type { RunMessage, WorkerSetup } from './messages.ts';
import { startWorkerThread } from './worker-thread.ts';
import type { WorkerThread } from './worker-thread.ts';

/**
 * Runs two items side by side, all else with all threads of the placement.
 * Resolves when all threads have warmed up, rejects with what kept one from that.
 */
export async function startCpuGroup(setup: WorkerSetup, file?: URL): Promise<WorkerThread> {
  const { placement } = setup;
  const threads = Math.ceil(placement.threads / 2);
  // One after the other, so that the first measures its speed with the cores to itself.
  const whole = await startWorkerThread(setup, file);
  const { speeds } = whole;
  const half = { ...setup, check: false, speeds, placement: { ...placement, threads } };
  const started = await Promise.allSettled([
    startWorkerThread(half, file),
    startWorkerThread(half, file),
  ]);
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
    // The first that ends by itself is the end of the group.
    if (closing) await allEnded;
    else close();
    return reason;
  };
  return {
    speeds,
    ended: Promise.race(members.map(endOf)),
    async run(message) {
      const messages = split(message);
      if (messages.length !== halves.length) return whole.run(message);
      const outcomes = await Promise.all(
        // What a thread takes along when it ends is its own picture, not the one beside it.
        halves.map((half, index) =>
          half.run(messages[index] as RunMessage).catch((error: unknown): Outcome[] => [{ error }]),
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

/** A run of many items as runs of one item each. */
function split(message: RunMessage): RunMessage[] {
  switch (message.kind) {
    case 'tile':
      return [message];
    case 'describe':
      return message.items.map((item) => ({ ...message, items: [item] }));
    case 'stylize':
      return message.items.map((item) => ({ ...message, items: [item] }));
  }
}
