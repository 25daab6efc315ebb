import { createEngine } from '../../src/engine/index.ts';
import type { Engine, StyleStatistics } from '../../src/engine/types.ts';
import { modelsDir, stylize, testPicture } from '../engine/helpers.ts';
import { interleave, median, ratio, timed } from './measure.ts';
import type { Bench, Options, Report, Row } from './report.ts';

const sides = [256, 512, 720];
const pictures = 8;
const tilePixels = 2 ** 20;

/** Two engines with the cores to themselves in turn, and as many pictures waiting at once. */
export const sideBySide: Bench = {
  name: 'side-by-side',
  summary: `${pictures} pictures that wait, two side by side with half of the cores each, against one after the other with all; and a picture alone.`,
  async run({ rounds }: Options): Promise<Report> {
    const options = { modelsDir, device: 'cpu', queueLimit: pictures, tilePixels };
    const together = await createEngine(options);
    const single = await createEngine({ ...options, maxBatch: 1 });
    const { value: statistics } = await single.describe(testPicture(256, 256));
    const rows: Row[] = [];
    for (const side of sides) {
      const times = await interleave(rounds, {
        single: () => paint(single, statistics, side, pictures),
        together: () => paint(together, statistics, side, pictures),
        singleAlone: () => paint(single, statistics, side, 1),
        togetherAlone: () => paint(together, statistics, side, 1),
      });
      rows.push({
        side,
        'one after the other, ms a picture': median(times.single) / pictures,
        'side by side': median(times.together) / pictures,
        'throughput over one after the other': ratio(times.single, times.together),
        'time alone over the same': ratio(times.togetherAlone, times.singleAlone),
      });
    }
    await Promise.all([together.close(), single.close()]);
    return { tables: [{ title: `Medians of ${rounds} rounds`, rows }] };
  },
};

/** @returns milliseconds until all are painted */
async function paint(
  engine: Engine,
  statistics: StyleStatistics,
  side: number,
  count: number,
): Promise<number> {
  // The pixels are transferred, so every picture needs its own; making them is not the engine's time.
  const inputs = Array.from({ length: count }, () => {
    return { image: testPicture(side, side), statistics, alpha: 1, color: 'style' as const };
  });
  return timed(() => Promise.all(inputs.map((input) => stylize(engine, input))))();
}
