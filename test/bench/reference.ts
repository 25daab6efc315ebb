import { serialize } from '../../src/engine/graph/builder.ts';
import { describeGraph, stylizeGraph, type Parts } from '../../src/engine/graph/graphs.ts';
import { createSession, type Tensor } from '../../src/engine/runtime.ts';
import type { RgbImage } from '../../src/rgb-image.ts';
import { testPicture } from '../engine/helpers.ts';
import { interleave, median, ratio, timed } from './measure.ts';
import { allCores, ourParts } from './networks.ts';
import { referenceFolder, referenceParts } from './reference-networks.ts';
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
    const parts = await referenceParts().catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    });
    if (!parts) {
      const skipped = `the reference weights are not in ${referenceFolder.pathname}, so nothing was compared`;
      return { tables: [], skipped };
    }
    const [ours, theirs] = [await open(await ourParts()), await open(parts)];
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

async function open(parts: Parts) {
  const stylizing = await createSession(serialize(stylizeGraph(parts)), allCores);
  const describing = await createSession(serialize(describeGraph(parts)), allCores);
  const dims = [1, 2, parts.channels];
  // Any statistics do: the time does not depend on them.
  const statistics = new Float32Array(2 * parts.channels).fill(1);
  const pixels = ({ width, height, data }: RgbImage): Tensor => ({
    type: 'uint8',
    data,
    dims: [1, height, width, 3],
  });
  return {
    describe: (image: RgbImage) => describing.run({ pixels: pixels(image) }),
    stylize: (image: RgbImage) =>
      stylizing.run({
        pixels: pixels(image),
        statistics: { type: 'float32', data: statistics, dims },
        alpha: { type: 'float32', data: Float32Array.of(1), dims: [1] },
      }),
    release: () => Promise.all([stylizing.release(), describing.release()]),
  };
}
