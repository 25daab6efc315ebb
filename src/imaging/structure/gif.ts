import { mostFrames } from './limits.ts';
import { still, type Structure } from './types.ts';

const code = { image: 0x2c, extension: 0x21 } as const;

/** What ends a picture, and the file. */
const endings = Buffer.from([0, 0x3b]);

/**
 * Counts the image descriptors of a GIF.
 *
 * Mended is a file whose only picture lacks its end, but none of its blocks.
 */
export function walkGif(bytes: Buffer): Structure {
  let frames = 0;
  let at = 13 + colorTableBytes(bytes[10] ?? 0);
  while (frames <= mostFrames) {
    const block = bytes[at];
    if (block === code.image) {
      frames++;
      at += 10 + colorTableBytes(bytes[at + 9] ?? 0) + 1;
    } else if (block === code.extension) {
      at += 2;
    } else {
      break;
    }
    at = skipSubBlocks(bytes, at);
  }
  // A block that is not all there leads beyond the end.
  const lacksEnd = frames === 1 && at === bytes.length + 1;
  const mended = lacksEnd ? () => Buffer.concat([bytes, endings]) : undefined;
  return { ...still, frames, mended };
}

function colorTableBytes(flags: number): number {
  return flags & 0x80 ? 3 * (2 << (flags & 7)) : 0;
}

function skipSubBlocks(bytes: Buffer, start: number): number {
  let at = start;
  for (let length = bytes[at]; length; length = bytes[at]) at += 1 + length;
  return at + 1;
}
