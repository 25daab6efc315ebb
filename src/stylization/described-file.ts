import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

import type { StyleStatistics } from '../engine/index.ts';
import { fromBytes, toBytes } from '../store/index.ts';

const sha256Pattern = /^[0-9a-f]{64}$/;

const pictureHead = z.object({
  digest: z.string().regex(sha256Pattern),
  width: z.int(),
  height: z.int(),
  mediaType: z.string(),
  path: z.string().optional(),
  stamp: z.string().optional(),
});

const head = z.object({
  by: z.object({ model: z.string(), styleSize: z.int(), service: z.string().optional() }),
  sha256: z.string().regex(sha256Pattern),
  pictures: z.array(pictureHead),
});

/** A style picture, and what the encoder saw in it. */
export interface DescribedPicture {
  /** sha256 of its file, in hex. */
  readonly digest: string;
  /** Upright, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly mediaType: string;
  readonly statistics: StyleStatistics;
}

/** As a file keeps it: with its path below a folder and the state of it that was described. */
export interface KeptDescription extends DescribedPicture {
  readonly path?: string | undefined;
  readonly stamp?: string | undefined;
}

/** What statistics depend on beside the picture. */
export interface DescribedBy {
  /** Digest of the model. */
  readonly model: string;
  /** At most so many pixels a side. */
  readonly styleSize: number;
  /** Version of the service, which decoded the picture; of those that ship a test sees to it. */
  readonly service?: string;
}

/**
 * Reads what `describedFile` has made.
 * @param length how many numbers the statistics of one picture are
 * @throws Error whose message says why it cannot be used: it is not there, not whole, or described
 * by something else
 */
export async function readDescribed(
  path: string,
  by: DescribedBy,
  length: number,
): Promise<KeptDescription[]> {
  const bytes = await readFile(path);
  const end = bytes.indexOf('\n');
  const { pictures, ...found } = head.parse(
    JSON.parse(bytes.toString('utf8', 0, Math.max(end, 0))),
  );
  for (const name of ['model', 'styleSize', 'service'] as const) {
    const [is, wanted] = [found.by[name] ?? 'none', by[name] ?? 'none'];
    if (is !== wanted) throw new Error(`its ${name} is ${is}, not ${wanted}`);
  }
  const numbers = bytes.subarray(end + 1);
  if (sha256(numbers) !== found.sha256) throw new Error('it is not whole');
  const size = length * Float32Array.BYTES_PER_ELEMENT;
  return pictures.map((picture, i) => {
    const statistics = fromBytes(numbers.subarray(i * size, (i + 1) * size), length);
    if (!statistics) throw new Error('it is not whole');
    return { ...picture, statistics };
  });
}

/**
 * One line of JSON, which says what the statistics are of and by what they were described; then
 * these, float32, little endian, in the same order.
 */
export function describedFile(by: DescribedBy, described: readonly KeptDescription[]): Buffer {
  const numbers = Buffer.concat(described.map(({ statistics }) => toBytes(statistics)));
  const pictures = described.map(({ digest, width, height, mediaType, path, stamp }) => ({
    ...{ digest, width, height, mediaType, path, stamp },
  }));
  const line = JSON.stringify({ by, sha256: sha256(numbers), pictures });
  return Buffer.concat([Buffer.from(`${line}\n`), numbers]);
}

export function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
