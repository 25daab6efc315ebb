import { open, type FileHandle } from 'node:fs/promises';

import { ifGone } from './lock.ts';
import type { StoredStyle } from './types.ts';

/** A registered style as a file of a folder holds it. */
export interface WrittenStyle {
  readonly style: StoredStyle;
  /** Of the model with this digest. */
  readonly statistics: { readonly model: string; readonly bytes: Buffer };
  readonly image: Buffer | undefined;
}

interface Head {
  readonly style: StoredStyle;
  readonly model: string;
  readonly statisticsBytes: number;
  readonly imageBytes: number;
}

/** More than the longest texts and the statistics take. */
const headBytes = 65_536;
const lineEnd = 10;

/**
 * One line of JSON, which says how long the rest is; the statistics; the picture, a PNG. All in one
 * file, since only one can be replaced in one step.
 */
export function writtenStyle({ style, statistics, image }: WrittenStyle): Buffer {
  const { model, bytes } = statistics;
  const imageBytes = image?.length ?? 0;
  const head: Head = { style, model, statisticsBytes: bytes.length, imageBytes };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), bytes, image ?? Buffer.alloc(0)]);
}

/**
 * Undefined if it is not there.
 * @param withImage else only the file's beginning is read
 * @throws SyntaxError if it is no style, or not whole
 */
export async function readStyle(
  path: string,
  withImage: boolean,
): Promise<WrittenStyle | undefined> {
  const file = await open(path).catch(ifGone);
  if (!file) return undefined;
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new SyntaxError('it is no file');
    const { size } = found;
    const bytes = await readUpTo(file, Math.min(size, headBytes));
    const end = bytes.indexOf(lineEnd);
    const head = JSON.parse(bytes.toString('utf8', 0, Math.max(end, 0))) as Head;
    const imageStart = end + 1 + head.statisticsBytes;
    if (size !== imageStart + head.imageBytes || imageStart > bytes.length) {
      throw new SyntaxError('it is not whole');
    }
    const statistics = { model: head.model, bytes: bytes.subarray(end + 1, imageStart) };
    const hasImage = withImage && head.imageBytes > 0;
    const image = hasImage ? await readUpTo(file, head.imageBytes, imageStart) : undefined;
    return { style: head.style, statistics, image };
  } finally {
    await file.close();
  }
}

async function readUpTo(file: FileHandle, length: number, position = 0): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw new SyntaxError('it is not whole');
  return buffer;
}
