import { createExecutor } from '../../src/engine/inference/executor.ts';
import { plain } from '../../src/engine/inference/feeds.ts';
import { loadModel } from '../../src/engine/model/model.ts';
import { planPicture } from '../../src/engine/tiling/plan.ts';
import { anyShape, modelsDir, testPicture } from '../engine/helpers.ts';
import { interleave, median, ratio, timed } from './measure.ts';
import { allCores } from './networks.ts';
import type { Bench, Options, Report, Row } from './report.ts';

const sides = [256, 512];
const sizes = [1, 2, 4, 8];
const pictures = 8;

/** The executor alone, without thread, queue or HTTP: eight pictures in runs of 1, 2, 4 and 8. */
export const batch: Bench = {
  name: 'batch',
  summary: `${pictures} pictures in runs of ${sizes.join(', ')} against one at a time, on the executor.`,
  async run({ rounds }: Options): Promise<Report> {
    const model = await loadModel(modelsDir);
    const layout = anyShape(model);
    const executor = await createExecutor(model, allCores, layout);
    const rows: Row[] = [];
    for (const side of sides) {
      const image = testPicture(side, side);
      const plan = planPicture(image, layout);
      const [statistics = new Float32Array()] = await executor.describe(plan, [plain(image)]);
      const input = { image, statistics, alpha: 1, color: 'style' as const };
      const inRunsOf = (size: number) =>
        timed(async () => {
          const items = Array.from({ length: size }, () => input);
          for (let done = 0; done < pictures; done += size) await executor.stylize(plan, items);
        });
      const works = Object.fromEntries(sizes.map((size) => [size, inRunsOf(size)]));
      const results = await interleave(rounds, works);
      const single = results[1] ?? [];
      for (const size of sizes) {
        const times = results[size] ?? [];
        rows.push({
          side,
          'pictures a run': size,
          'ms a picture': median(times) / pictures,
          'throughput over single runs': ratio(single, times),
        });
      }
    }
    await executor.release();
    return { tables: [{ title: `Medians of ${rounds} rounds`, rows }] };
  },
};
