import type { Writable } from 'node:stream';

import type { Progress } from '../client/index.ts';
import { escaped } from '../printable.ts';
import { drawBar, duration } from './bar.ts';

/** What became of a picture, as a line of JSON tells it. */
export type Outcome = {
  readonly input: string;
} & (
  | { readonly status: 'painted'; readonly output: string; readonly ms: number }
  /** It was done before. */
  | { readonly status: 'skipped'; readonly output: string }
  | { readonly status: 'failed'; readonly code: string; readonly detail: string }
);

export interface Terminal extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export type Report = ReturnType<typeof createReport>;

/** At most so often, in milliseconds. */
const redrawMs = 100;

/**
 * Tells how it goes: results are lines of JSON on stdout, unless that is a terminal; there is a bar on
 * stderr, if that is one. Failures are told on stderr anyway.
 */
export function createReport(expected: number, stdout: Terminal, stderr: Terminal) {
  const counts = { painted: 0, skipped: 0, failed: 0 };
  let total = expected;
  let startedAt = performance.now();
  let waiting: string | undefined;
  const done = () => counts.painted + counts.skipped + counts.failed;
  const count = (status: keyof typeof counts) => {
    counts[status]++;
    if (status === 'painted') waiting = undefined;
  };
  const draw = () => {
    if (!stderr.isTTY) return;
    const elapsedMs = performance.now() - startedAt;
    const state = { ...counts, total, done: done(), elapsedMs, waiting };
    stderr.write(`\r\x1b[K${drawBar(state, stderr.columns ?? 80)}`);
  };
  const erase = () => {
    if (stderr.isTTY) stderr.write('\r\x1b[K');
  };
  /** A line of JSON, where a program may read it. */
  const print = (line: object) => {
    if (!stdout.isTTY) stdout.write(`${JSON.stringify(line)}\n`);
  };
  const timer = stderr.isTTY ? setInterval(draw, redrawMs).unref() : undefined;

  return {
    print,
    /** From here on time counts for what is left. */
    begin(of = total) {
      total = of;
      startedAt = performance.now();
      waiting = undefined;
    },
    count,
    tell(outcome: Outcome) {
      count(outcome.status);
      print({ ...outcome, done: done(), total });
      if (outcome.status !== 'failed') return;
      erase();
      stderr.write(`${escaped(outcome.input)}: ${escaped(outcome.detail)}\n`);
    },
    /** Shown on the bar until the next picture is painted. */
    waitFor(what: string | undefined) {
      waiting = what && escaped(what);
    },
    end(last = '') {
      clearInterval(timer);
      erase();
      const { painted, skipped, failed } = counts;
      const took = duration((performance.now() - startedAt) / 1000);
      const list = [
        `${painted} painted in ${took}`,
        ...(skipped > 0 ? [`${skipped} were done before`] : []),
        ...(failed > 0 ? [`${failed} failed`] : []),
      ];
      stderr.write(`${list.join(', ')}.${last && ` ${last}`}\n`);
    },
    failed: () => counts.failed,
  };
}

/** What a call waits for, in words. */
export function waitingWords({ seconds, problem }: Extract<Progress, { phase: 'waiting' }>) {
  const why = problem ? (problem.code ?? problem.title).replaceAll('_', ' ') : 'no answer';
  return `${why}, again in ${Math.ceil(seconds)} s`;
}
