import { setTimeout as sleep } from 'node:timers/promises';

import { closedLoop, type Answer, type Client, type Form } from './client.ts';
import { interleave, median, quantile, ratio } from './measure.ts';
import { photograph, requestFor } from './pictures.ts';
import type { Bench, Options, Report, Row } from './report.ts';
import { withServer } from './server.ts';

const side = 512;
const deadlineSeconds = 2;
/** Before the queue is full, answers are still on their way in; they are not counted. */
const rampSeconds = deadlineSeconds;
const floodSeconds = 8;
const overloadFactor = 4;
/** More clients than the deadline has room for, so that most are sent away once. */
const crowd = 60;

/**
 * Capacity is what eight clients in a closed loop get out of the server; they keep its batches
 * full. The flood then comes at four times that rate whatever the answers are, each request with a
 * deadline. Answers count as goodput from when the queue is full until the last is sent. Capacity and flood take turns, so that
 * a machine that slows down slows both. The crowd meets a server of its own: the flood's refused
 * clients never come back for the turns that Retry-After kept for them.
 */
export const overload: Bench = {
  name: 'overload',
  summary: `${overloadFactor} times what the server can do, with a deadline of ${deadlineSeconds} s, against what it can do; then a crowd that comes back when Retry-After says so.`,
  async run({ rounds }: Options): Promise<Report> {
    const form = await requestFor(await photograph(side));
    const turns = Math.ceil(rounds / 3);
    const { capacity, flood } = await withServer({}, ({ client }) => {
      let perSecond = 1;
      return interleave<'capacity' | 'flood', Flood>(turns, {
        capacity: async () => {
          ({ perSecond } = await closedLoop(8, 48, () => client.stylize(form)));
          return { goodput: perSecond, answers: [] };
        },
        flood: () => floodOf(client, form, overloadFactor * perSecond),
      });
    });
    const answers = flood.flatMap((turn) => turn.answers);
    const took = (wanted: number) =>
      answers.filter(({ status }) => status === wanted).map(({ ms }) => ms);
    const [served, refused, late] = [took(200), took(503), took(504)] as const;

    const { visits, crowdSeconds } = await withServer({}, async ({ client }) => {
      await closedLoop(8, 16, () => client.stylize(form));
      const start = performance.now();
      const arrivals = Array.from({ length: crowd }, () => visitUntilServed(client, form));
      const visits = await Promise.all(arrivals);
      return { visits, crowdSeconds: (performance.now() - start) / 1000 };
    });
    const goodputs = (of: Flood[]) => of.map(({ goodput }) => goodput);
    const possible = median(goodputs(capacity));

    return {
      tables: [
        {
          title: `${side}², ${turns} floods of ${rampSeconds + floodSeconds} s`,
          rows: [
            {
              'capacity/s': possible,
              'goodput/s': median(goodputs(flood)),
              sent: answers.length,
              served: served.length,
              'refused, 503': refused.length,
              'too late, 504': late.length,
              other: answers.length - served.length - refused.length - late.length,
            },
          ],
        },
        {
          title: 'How long an answer took, ms',
          rows: [row('served', served), row('refused', refused)],
        },
        {
          title: 'A crowd that honours Retry-After',
          rows: [
            {
              clients: crowd,
              'drained in, s': crowdSeconds,
              'at capacity, s': crowd / possible,
            },
          ],
        },
        {
          title: 'Its visits',
          rows: Array.from({ length: Math.max(...visits) }, (_, index) => ({
            visit: index + 1,
            came: visits.filter((needed) => needed > index).length,
            'sent away': visits.filter((needed) => needed > index + 1).length,
          })),
        },
      ],
      goals: [
        {
          what: 'goodput over capacity',
          value: ratio(goodputs(flood), goodputs(capacity)),
          atLeast: 0.95,
        },
        { what: 'slowest refusal, ms', value: Math.max(...refused), atMost: 50 },
        {
          what: 'clients sent away twice',
          value: visits.filter((needed) => needed > 2).length,
          atMost: 0,
        },
      ],
    };
  },
};

interface Flood {
  /** Pictures a second. */
  readonly goodput: number;
  readonly answers: readonly Answer[];
}

const impatient = { 'request-timeout': String(deadlineSeconds) };

/** Sends at a fixed rate, and waits for the last answer so that the next turn finds an idle server. */
async function floodOf(client: Client, form: Form, perSecond: number): Promise<Flood> {
  const start = performance.now();
  const full = start + 1000 * rampSeconds;
  const end = full + 1000 * floodSeconds;
  let inTime = 0;
  const send = async (index: number) => {
    await sleep((1000 * index) / perSecond);
    const answer = await client.send(form, impatient);
    const now = performance.now();
    if (answer.status === 200 && now > full && now <= end) inTime++;
    return answer;
  };
  const count = Math.round((rampSeconds + floodSeconds) * perSecond);
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => send(index)));
  return { goodput: inTime / floodSeconds, answers };
}

/** @returns how often the client had to come */
async function visitUntilServed(client: Client, form: Form): Promise<number> {
  for (let visits = 1; visits <= 20; visits++) {
    const { status, headers } = await client.send(form, impatient);
    if (status === 200) return visits;
    await sleep(1000 * Number(headers['retry-after'] ?? 1));
  }
  throw new Error('a client came 20 times and was never served');
}

function row(answer: string, times: readonly number[]): Row {
  const [p50, p99] = [0.5, 0.99].map((share) => quantile(times, share)) as [number, number];
  return { answer, p50, p99, max: Math.max(...times) };
}
