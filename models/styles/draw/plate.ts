import sharp from 'sharp';
import { Canvas } from './kit/canvas.ts';

/** One style plate: what the catalog says of it and how it is drawn. */
export interface Plate {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly width: number;
  readonly height: number;
  /** Draws on the canvas in plate pixels, however fine the canvas is. */
  readonly draw: (canvas: Canvas) => void;
}

/** Drawn twice as fine as it is kept, so that edges are smooth. */
const SUPERSAMPLING = 2;

export function drawPlate(plate: Plate, scale = SUPERSAMPLING): Canvas {
  const canvas = new Canvas(plate.width, plate.height, scale);
  plate.draw(canvas);
  return canvas;
}

export async function encodePlate(canvas: Canvas): Promise<Buffer> {
  const raw = { width: canvas.width, height: canvas.height, channels: 3 as const };
  return sharp(canvas.pixels(), { raw })
    .jpeg({ quality: 88, chromaSubsampling: '4:4:4', mozjpeg: true })
    .toBuffer();
}
