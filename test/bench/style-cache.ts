import { createClient } from '../../src/client/index.ts';
import { interleave, median, quantile, ratio, timed } from './measure.ts';
import { paintingFor, photograph, styles } from './pictures.ts';
import type { Bench, Options, Report } from './report.ts';
import { withServer } from './server.ts';

const side = 512;
const count = 6;

/**
 * One client, three requests that differ only in their style: a preset, an upload that the server
 * has seen before (decoded and digested again, then found), and one that nobody has sent yet.
 */
export const styleCache: Bench = {
  name: 'style-cache',
  summary: `A request whose style's statistics are cached against one whose style is new, all pictures ${side}².`,
  async run({ rounds }: Options): Promise<Report> {
    const content = await photograph(side);
    const pictures = await styles(side, 1 + (rounds + 1) * count);
    const [known, ...unseen] = pictures.map((style) => paintingFor(content, style));
    const preset = paintingFor(content);
    if (!known) throw new Error('unreachable');

    const results = await withServer({}, async ({ url, client }) => {
      const painter = createClient(url);
      const ask = async (next: () => typeof preset) => {
        const times: number[] = [];
        while (times.length < count) times.push(await timed(() => painter.stylize(next()))());
        return times;
      };
      await painter.stylize(known);
      const results = await interleave(rounds, {
        preset: () => ask(() => preset),
        cached: () => ask(() => known),
        uncached: () => ask(() => unseen.pop() ?? known),
      });
      const metrics = (await client.get('/metrics')).body.toString();
      const misses = Number(/result="miss"} (\d+)/.exec(metrics)?.[1]);
      if (misses !== pictures.length) throw new Error(`${misses} misses of ${pictures.length}`);
      return results;
    });

    const row = (what: string, turns: number[][]) => ({
      style: what,
      'p50, ms': median(turns.flat()),
      'p95, ms': quantile(turns.flat(), 0.95),
      'over cached': ratio(turns.map(median), results.cached.map(median)),
    });
    return {
      tables: [
        {
          title: `One client, ${rounds} rounds of ${count} requests each`,
          rows: [
            row('preset', results.preset),
            row('uploaded, cached', results.cached),
            row('uploaded, new', results.uncached),
          ],
        },
      ],
    };
  },
};
