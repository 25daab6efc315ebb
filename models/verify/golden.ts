import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { StyleStatistics } from '../../src/engine/types.ts';
import type { RgbImage } from '../../src/rgb-image.ts';

/** What PyTorch made of synthetic pictures when the model was exported. */
export interface Golden {
  readonly content: RgbImage;
  readonly style: RgbImage;
  readonly statistics: StyleStatistics;
  /** The content in that style at alpha 1. */
  readonly result: RgbImage;
  /** The same at alpha 0.5. */
  readonly half: RgbImage;
}

const tensor = z.object({ file: z.string(), shape: z.array(z.int().positive()) });
const schema = z.object({
  tensors: z.object({
    content: tensor,
    style: tensor,
    statistics: tensor,
    result: tensor,
    half: tensor,
  }),
});

type Entry = z.output<typeof tensor>;

/** @throws when a file is missing or does not hold what golden.json says */
export async function readGolden(folder: string): Promise<Golden> {
  const text = await readFile(join(folder, 'golden.json'), 'utf8');
  const { tensors } = schema.parse(JSON.parse(text));

  const read = async ({ file, shape }: Entry, bytesPerValue: number): Promise<Uint8Array> => {
    const bytes = await readFile(join(folder, file));
    const expected = shape.reduce((product, side) => product * side, bytesPerValue);
    if (bytes.length !== expected) {
      throw new Error(`${file} has ${bytes.length} bytes, and its shape needs ${expected}`);
    }
    return bytes;
  };
  const picture = async (entry: Entry): Promise<RgbImage> => {
    const [height = 0, width = 0] = entry.shape;
    return { width, height, data: Uint8Array.from(await read(entry, 1)) };
  };
  const statistics = Uint8Array.from(await read(tensors.statistics, 4));
  return {
    content: await picture(tensors.content),
    style: await picture(tensors.style),
    statistics: new Float32Array(statistics.buffer),
    result: await picture(tensors.result),
    half: await picture(tensors.half),
  };
}
