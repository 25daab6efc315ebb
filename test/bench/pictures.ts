/** Photographs of any size, made from the examples that come with the model. */
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

import type { Painting } from '../../src/client/index.ts';
import type { RgbImage } from '../../src/rgb-image.ts';
import { form, type Field } from '../support/app.ts';
import type { Form } from './client.ts';

const file = (path: string) => fileURLToPath(new URL(`../../models/${path}`, import.meta.url));

/** The style of all requests that do not bring their own. */
const preset = 'mosaic';

/** A photograph as cameras send it, JPEG at quality 85. */
export function photograph(width: number, height = width): Promise<Buffer> {
  return sharp(file('examples/lake.jpg')).resize(width, height).jpeg({ quality: 85 }).toBuffer();
}

/** A picture of models/, decoded, so large. */
export async function pixelsOf(path: string, width: number, height: number): Promise<RgbImage> {
  const { data } = await sharp(file(path))
    .resize(width, height)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width, height, data: Uint8Array.from(data) };
}

/** Cut-outs of a plate at another place each: as many styles as are asked for, no two alike. */
export function styles(side: number, count: number): Promise<Buffer[]> {
  const cut = async (index: number) => {
    const { width, height } = await sharp(file(`styles/${preset}.jpg`)).metadata();
    const window = Math.floor(Math.min(width, height) / 2);
    const left = (index * 7) % (width - window);
    const top = (index * 11) % (height - window);
    return sharp(file(`styles/${preset}.jpg`))
      .extract({ left, top, width: window, height: window })
      .resize(side, side)
      .jpeg({ quality: 90 })
      .toBuffer();
  };
  return Promise.all(Array.from({ length: count }, (_, index) => cut(index)));
}

/** A request to repaint `content` in a preset, or in the uploaded `style`. */
export function requestFor(content: Buffer, style?: Buffer, strokes?: string): Promise<Form> {
  const fields: Field[] = [['content', content], style ? ['style', style] : ['styleId', preset]];
  return form(...fields, ...(strokes === undefined ? [] : [['strokes', strokes] as const]));
}

/** The same for the package's client. */
export function paintingFor(content: Buffer, style?: Buffer): Painting {
  const blob = (bytes: Buffer) => new Blob([new Uint8Array(bytes)]);
  return { content: blob(content), styles: [style ? blob(style) : preset] };
}
