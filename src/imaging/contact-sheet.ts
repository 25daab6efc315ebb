import sharp from 'sharp';

import { encodePicture } from './encode.ts';
import type { PictureFormat } from './formats.ts';
import { write } from './lettering.ts';

export interface Cell {
  /** Of what ids are made of. */
  readonly name: string;
  /** All of one size. */
  readonly picture: Buffer;
}

/** Between cells, and around all of them, in pixels. */
const margin = 12;
const nameHeight = 34;
const quality = 90;

/** Pictures of one size on white paper, row by row, each with its name below. At least one. */
export async function contactSheet(cells: readonly Cell[], format: PictureFormat): Promise<Buffer> {
  const { width, height } = await sharp(cells[0]?.picture).metadata();
  const [across, down] = [width + margin, height + nameHeight];
  // As wide as high, or a little wider.
  const columns = Math.min(cells.length, Math.ceil(Math.sqrt((cells.length * down) / across)));
  const size = {
    width: columns * across + margin,
    height: Math.ceil(cells.length / columns) * down + margin,
  };
  const layers = cells.flatMap(({ name, picture }, index) => {
    const left = margin + (index % columns) * across;
    const top = margin + Math.floor(index / columns) * down;
    const raw = { width, height: nameHeight, channels: 1 } as const;
    const input = write(name, { width, height: nameHeight });
    return [
      { input: picture, left, top },
      { input, raw, left, top: top + height },
    ];
  });
  const paper = sharp({ create: { ...size, channels: 3, background: 'white' } });
  const data = await paper.composite(layers).removeAlpha().raw().toBuffer();
  return encodePicture({ ...size, data: new Uint8Array(data) }, undefined, format, quality);
}
