import { startBareLoop } from './bare-loop.ts';
import { closedLoop } from './client.ts';
import { interleave, median, quantile, ratio } from './measure.ts';
import { photograph, requestFor } from './pictures.ts';
import type { Bench, Options, Report } from './report.ts';
import { withServer } from './server.ts';

const side = 512;
const clients = 4;
const count = 16;

/**
 * The server's throughput is taken with as many clients as keep its engine busy, its latency with
 * one alone, so that neither hides in the other. Client, codecs and HTTP run on the same cores as
 * the networks; the loop has all of them to itself.
 */
export const httpOverhead: Bench = {
  name: 'http-overhead',
  summary: `A ${side}² JPEG over HTTP against the same graph in a bare loop of onnxruntime, without and with the codecs.`,
  async run({ rounds }: Options): Promise<Report> {
    const jpeg = await photograph(side);
    const request = await requestFor(jpeg);
    const bare = startBareLoop();
    const results = await withServer({}, ({ client }) =>
      interleave<'http' | 'alone' | 'bare' | 'codec', number[]>(rounds, {
        http: async () => {
          const { perSecond } = await closedLoop(clients, count, () => client.stylize(request));
          return [1000 / perSecond];
        },
        bare: () => bare.run({ jpeg, codec: false, count }),
        codec: () => bare.run({ jpeg, codec: true, count }),
        alone: async () => {
          const { answers } = await closedLoop(1, count, () => client.stylize(request));
          return answers.map(({ ms }) => ms);
        },
      }),
    ).finally(() => {
      bare.stop();
    });

    const mean = (times: number[]) => times.reduce((sum, ms) => sum + ms, 0) / times.length;
    const throughput = (loop: number[][]) => ratio(loop.map(mean), results.http.map(mean));
    const row = (what: string, turns: number[][]) => ({
      what,
      'ms a picture': median(turns.map(mean)),
      'pictures/s': 1000 / median(turns.map(mean)),
      'p50, ms': median(turns.flat()),
      'p95, ms': quantile(turns.flat(), 0.95),
    });
    const [alone, run, loop] = [results.alone, results.bare, results.codec].map((turns) =>
      median(turns.flat()),
    ) as [number, number, number];
    return {
      tables: [
        {
          title: `${side}², ${rounds} rounds of ${count} pictures each`,
          rows: [
            { ...row(`HTTP, ${clients} clients`, results.http), 'p50, ms': '', 'p95, ms': '' },
            row('HTTP, 1 client', results.alone),
            row('bare loop', results.bare),
            row('bare loop with codecs', results.codec),
          ],
        },
        {
          title: 'One client waits for',
          rows: [{ 'run, ms': run, 'codecs, ms': loop - run, 'HTTP and queue, ms': alone - loop }],
        },
      ],
      goals: [
        {
          what: 'throughput over that of the bare loop',
          value: throughput(results.bare),
          atLeast: 0.95,
        },
        {
          what: 'throughput over that of the loop with codecs',
          value: throughput(results.codec),
          atLeast: 0.95,
        },
        { what: 'p50 beyond run and codecs, ms', value: alone - loop, atMost: 10 },
      ],
    };
  },
};
