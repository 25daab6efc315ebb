import { readFile } from 'node:fs/promises';
import { readConfig } from '../../src/config.ts';
import { plain } from '../../src/engine/inference/feeds.ts';
import type { Executor } from '../../src/engine/inference/executor.ts';
import type { Model } from '../../src/engine/model/model.ts';
import { planWhole } from '../../src/engine/tiling/plan.ts';
import type { StyleStatistics } from '../../src/engine/types.ts';
import { openStyle } from '../../src/imaging/decode.ts';
import { measurePicture } from '../../src/imaging/measure.ts';
import { listFolder } from '../../src/stylization/catalog.ts';
import { sha256 } from '../../src/stylization/described-file.ts';
import type { DescribedBy, DescribedPicture } from '../../src/stylization/described-file.ts';

/** What the statistics of the shipped presets depend on. */
export const describedBy = ({ info }: Model): DescribedBy => ({
  model: info.digest,
  styleSize: readConfig({}).ADAIN_STYLE_SIZE,
});

/** Describes the pictures of a folder as the service does on a CPU, in the catalog's order. */
export async function describePresets(
  model: Model,
  executor: Executor,
  folder: string,
): Promise<DescribedPicture[]> {
  const { styleSize } = describedBy(model);
  const remedy = 'Draw the plates anew: npm run styles:draw.';
  const entries = await listFolder({ path: folder, remedy }, (error) => {
    throw error;
  });
  const described: DescribedPicture[] = [];
  for (const { path } of entries.values()) {
    const bytes = await readFile(path);
    const measured = await measurePicture(bytes, path);
    const picture = await openStyle(bytes, { styleSize, maxPixels: Infinity, field: path });
    const image = await picture.decode();
    const [statistics] = await executor.describe(planWhole(image, model), [plain(image)]);
    described.push({
      ...{ digest: sha256(bytes), ...measured },
      statistics: statistics as StyleStatistics,
    });
  }
  return described;
}
