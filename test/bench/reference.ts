import { describeFeeds, plain, stylizeFeeds } from '../../src/engine/inference/feeds.ts';
import { serialize } from '../../src/engine/model/graph/builder.ts';
import { momentsGraph, stylizeGraph } from '../../src/engine/model/graph/graphs.ts';
import { createSession } from '../../src/engine/inference/onnxruntime.ts';
import { planWhole } from '../../src/engine/tiling/plan.ts';
import type { RgbImage } from '../../src/rgb-image.ts';
import { testPicture } from '../engine/helpers.ts';
import { interleave, median, ratio, timed } from './measure.ts';
import { allCores, ourNetworks, type Networks } from './networks.ts';
import { referenceFolder, referenceNetworks } from './reference-networks.ts';
import type { Bench, Options, Report, Row } from './report.ts';

const sides = [256, 512];

/**
 * Both pairs of networks go through the engine's own graphs (same cast, AdaIN, clamping), the same
 * runtime and the same threads: they differ in the networks alone.
 */
export const reference: Bench = {
  name: 'reference',
  summary:
    "Our networks against those of the AdaIN paper: pixels to pixels with the style's statistics at hand, and with the style described first.",
  async run({ rounds }: Options): Promise<Report> {
    const theirNetworks = await referenceNetworks().catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    });
    if (!theirNetworks) {
      const skipped = `the reference weights are not in ${referenceFolder.pathname}, so nothing was compared`;
      return { tables: [], skipped };
    }
    const [ours, theirs] = [await open(await ourNetworks()), await open(theirNetworks)];
    const rows: Row[] = [];
    for (const side of sides) {
      const picture = testPicture(side, side);
      const times = await interleave(rounds, {
        ourStylize: timed(() => ours.stylize(picture)),
        theirStylize: timed(() => theirs.stylize(picture)),
        ourDescribe: timed(() => ours.describe(picture)),
        theirDescribe: timed(() => theirs.describe(picture)),
      });
      const row = (what: string, our: number[], their: number[]) => ({
        side,
        what,
        'ours, ms': median(our),
        "the paper's, ms": median(their),
        'times as fast': ratio(their, our),
      });
      const sum = (a: number[], b: number[]) => a.map((ms, round) => ms + (b[round] ?? NaN));
      const { ourStylize, theirStylize, ourDescribe, theirDescribe } = times;
      rows.push(
        row('style cached', ourStylize, theirStylize),
        row('style described', sum(ourStylize, ourDescribe), sum(theirStylize, theirDescribe)),
      );
    }
    await Promise.all([ours.release(), theirs.release()]);
    return {
      tables: [
        { title: `Medians of ${rounds} rounds; the style is as large as the content`, rows },
      ],
    };
  },
};

async function open(networks: Networks) {
  const stylizing = await createSession(serialize(stylizeGraph(networks)), allCores);
  const describing = await createSession(serialize(momentsGraph(networks)), allCores);
  // Any statistics do: the time does not depend on them.
  const statistics = new Float32Array(2 * networks.channels).fill(1);
  return {
    describe: (image: RgbImage) =>
      describing.run(describeFeeds([plain(image)], planWhole(image, networks), networks)),
    stylize: (image: RgbImage) =>
      stylizing.run(
        stylizeFeeds([{ image, statistics, alpha: 1 }], planWhole(image, networks), networks),
      ),
    release: () => Promise.all([stylizing.release(), describing.release()]),
  };
}
