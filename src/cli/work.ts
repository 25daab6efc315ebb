import type { AdainClient, CallOptions } from '../client/index.ts';
import { eachAtPace } from './pace.ts';
import { waitingWords, type Report } from './report.ts';
import { openService, readServer } from './service.ts';
import { Interrupted, onSignals } from './signals.ts';
import { UsageError, wholeOption, type Arguments, type Options } from './usage.ts';

export const workOptions: Options = {
  server: {
    value: 'URL',
    about: 'of a service that runs; if absent, an engine starts in this process',
  },
  jobs: { value: 'NUMBER', about: 'pictures in flight at once, at most (4)' },
  timeout: {
    value: 'SECONDS',
    about: 'for each picture, waiting for a busy or restarting service included; at most 300 (300)',
  },
};

/** In seconds: Node's fetch waits no longer for an answer. */
const longestTimeout = 300;

export interface Work {
  readonly server: string | undefined;
  readonly most: number;
  readonly deadlineMs: number;
}

/** @throws UsageError */
export function readWork(given: Arguments): Work {
  return {
    server: readServer(given),
    most: wholeOption('jobs', given.one('jobs') ?? '4', 1000),
    deadlineMs: 1000 * wholeOption('timeout', given.one('timeout') ?? '300', longestTimeout),
  };
}

export interface Painter {
  readonly client: AdainClient;
  /** Of a call that stands for itself. */
  readonly options: () => CallOptions;
  /** Works through a list at the service's pace. What an item's work throws ends it. */
  readonly each: <T>(
    items: Iterable<T>,
    work: (item: T, options: CallOptions) => Promise<void>,
  ) => Promise<void>;
}

/**
 * Does its work with the service that was asked for, until a signal.
 * @param hint said after a stop
 * @returns the exit code
 * @throws whatever the work has thrown
 */
export async function withService(
  { server, most, deadlineMs }: Work,
  report: Report,
  work: (painter: Painter) => Promise<void>,
  hint = '',
): Promise<number> {
  const service = await openService(server, deadlineMs, (what) => {
    report.waitFor(what);
  }).catch((error: unknown) => {
    report.end();
    throw error;
  });
  // Until here a signal ends the process at once: nothing has been begun.
  const stopping = new AbortController();
  onSignals(stopping);
  const { signal } = stopping;
  const options = (busy?: (seconds: number) => void): CallOptions => ({
    ...{ signal, deadlineMs },
    onProgress(progress) {
      if (progress.phase !== 'waiting') return;
      report.waitFor(waitingWords(progress));
      busy?.(progress.seconds);
    },
  });
  const each: Painter['each'] = (items, workOne) =>
    eachAtPace(items, { most, signal }, async (item, busy) => {
      await workOne(item, options(busy)).catch((error: unknown) => {
        stopping.abort(error);
      });
    });
  try {
    await work({ client: service.client, options, each });
    report.end();
    return report.failed() > 0 ? 1 : 0;
  } catch (error) {
    const stopped = error instanceof Interrupted ? error : undefined;
    const last = error instanceof UsageError ? [] : [...(stopped ? [stopped.message] : []), hint];
    report.end(last.join(' ').trim());
    if (stopped) return stopped.exitCode;
    throw error;
  } finally {
    await service.close();
  }
}
