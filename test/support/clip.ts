import sharp from 'sharp';

import { testPicture } from '../engine/helpers.ts';

export interface Clip {
  readonly width: number;
  readonly height: number;
  /** Of each frame the seed of what stands still, and of what is in its leftmost columns. */
  readonly frames: readonly { readonly still: number; readonly moving: number }[];
  readonly columns: number;
}

/** RGB of all frames, one below the other. */
export function clipPixels({ width, height, frames, columns }: Clip): Uint8Array {
  const pictures = frames.map(({ still, moving }) => {
    const [all, left] = [testPicture(width, height, still), testPicture(width, height, moving)];
    return all.data.map((value, i) =>
      Math.floor(i / 3) % width < columns ? (left.data[i] as number) : value,
    );
  });
  return Buffer.concat(pictures);
}

export function clipOf(pixels: Uint8Array, width: number, pageHeight: number) {
  const height = pixels.length / (3 * width);
  return sharp(pixels, { raw: { width, height, channels: 3, pageHeight } });
}

/** The frames of an animation as RGB, and how it runs. */
export async function readClip(bytes: Buffer) {
  const { pages = 1, delay, loop, format } = await sharp(bytes, { animated: true }).metadata();
  const { data, info } = await sharp(bytes, { animated: true })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const length = data.length / pages;
  const frames = Array.from({ length: pages }, (_, i) =>
    data.subarray(i * length, (i + 1) * length),
  );
  return { frames, delay, loop, format, width: info.width, height: info.height / pages };
}

/** The columns of a frame from one on. */
export function columnsFrom(frame: Buffer, width: number, from: number): Buffer {
  return Buffer.from(frame.filter((_, i) => Math.floor(i / 3) % width >= from));
}
