import { createClient, type Painting } from '../../src/client/index.ts';
import { closedLoop } from './client.ts';
import { slope } from './measure.ts';
import { paintingFor, photograph, styles } from './pictures.ts';
import type { Bench, Options, Report } from './report.ts';
import { withServer } from './server.ts';

const shapes = [
  [128, 128],
  [160, 96],
  [96, 160],
  [112, 112],
] as const;
const samples = 40;
const mebibyte = 2 ** 20;

/** How much of the run is warm-up: what is kept for good (arenas, pools, compiled code) grows then. */
const warmUpShare = 0.1;

/**
 * Small pictures of four shapes in presets and in uploads, so that batches, both kinds of session
 * and the cache take part; the sooner something leaks, the smaller the picture. The resident size
 * is read from outside, after every fortieth of the requests.
 */
export const memory: Bench = {
  name: 'memory',
  summary: "The server's resident memory at the end of many requests against that after warm-up.",
  async run({ requests }: Options): Promise<Report> {
    const paintings = await smallPaintings();
    const measured = await withServer({}, async ({ url, memory }) => {
      const painter = createClient(url);
      const points: [requests: number, mebibytes: number][] = [];
      const size = Math.ceil(requests / samples);
      for (let sample = 1; sample <= samples; sample++) {
        await closedLoop(4, size, (index) =>
          painter.stylize(paintings[index % paintings.length] as Painting),
        );
        points.push([sample * size, (await memory()).now / mebibyte]);
      }
      return { points, peak: (await memory()).peak / mebibyte };
    });
    const { points, peak } = measured;
    const warm = points.slice(warmUpShare * samples);
    const half = warm.length / 2;
    const at = (index: number) => points.at(index)?.[1] ?? NaN;
    const afterWarmUp = at(warmUpShare * samples - 1);
    const perThousand = (part: typeof points) => 1000 * slope(part);
    return {
      tables: [
        {
          title: `${requests} requests, 4 clients`,
          rows: [
            {
              'after warm-up, MiB': afterWarmUp,
              'at the end, MiB': at(-1),
              'peak, MiB': peak,
              'MiB a 1000 requests, first half': perThousand(warm.slice(0, half)),
              'second half': perThousand(warm.slice(half)),
            },
          ],
        },
        {
          title: 'Resident MiB on the way',
          rows: points
            .filter((_, index) => index % 4 === 3)
            .map(([requests, mebibytes]) => ({ requests, MiB: mebibytes })),
        },
      ],
      goals: [{ what: 'end over warm-up', value: at(-1) / afterWarmUp, atMost: 1.05 }],
    };
  },
};

async function smallPaintings(): Promise<Painting[]> {
  const contents = await Promise.all(shapes.map(([width, height]) => photograph(width, height)));
  const uploads = await styles(64, shapes.length);
  return contents.flatMap((content, index) => [
    paintingFor(content),
    paintingFor(content, uploads[index]),
  ]);
}
