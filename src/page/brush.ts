import { isOpaque } from './picture.ts';

/** A mask that is painted: white is painted, black keeps the photograph. */
export interface Brush {
  /** Diameter, in pixels of the mask. */
  readonly size: number;
  /** 0 to 1: how much of the radius is full. */
  readonly hardness: number;
  readonly color: 'black' | 'white';
}

/** In pixels: edges are as sharp as this, stretched over the photograph. */
export const maskSide = 1024;
const mostUndone = 20;

export interface Mask {
  readonly stroke: (from: Point, to: Point, brush: Brush) => void;
  /** Remembers how it is, before it changes. */
  readonly keep: () => void;
  readonly undo: () => void;
  readonly invert: () => void;
  readonly clear: () => void;
  /** Of one that is not all opaque, what its alpha channel says, as the service reads masks. */
  readonly draw: (picture: CanvasImageSource, isMirrored?: boolean) => void;
  /** Gives another, of any size, what this one has. */
  readonly copyTo: (other: Mask, isMirrored: boolean) => void;
  readonly drawOn: (canvas: HTMLCanvasElement) => void;
  readonly toBlob: () => Promise<Blob>;
}

export type Point = readonly [x: number, y: number];

export function createMask(width: number, height: number): Mask {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('This browser gives no canvas.');
  const kept: ImageData[] = [];
  const fill = (operation: GlobalCompositeOperation) => {
    context.globalCompositeOperation = operation;
    context.fillStyle = 'white';
    context.fillRect(0, 0, width, height);
  };
  fill('source-over');

  return {
    keep() {
      kept.push(context.getImageData(0, 0, width, height));
      if (kept.length > mostUndone) kept.shift();
    },
    undo() {
      const last = kept.pop();
      if (last) context.putImageData(last, 0, 0);
    },
    invert() {
      fill('difference');
    },
    clear() {
      fill('source-over');
    },
    draw(picture, isMirrored = false) {
      context.globalCompositeOperation = 'copy';
      if (isMirrored) context.setTransform(-1, 0, 0, 1, width, 0);
      context.drawImage(picture, 0, 0, width, height);
      context.resetTransform();
      const pixels = context.getImageData(0, 0, width, height);
      const { data } = pixels;
      if (isOpaque(data)) return;
      for (let at = 0; at < data.length; at += 4) {
        data.fill(data[at + 3] ?? 0, at, at + 3);
        data[at + 3] = 255;
      }
      context.putImageData(pixels, 0, 0);
    },
    stroke([x0, y0], [x1, y1], { size, hardness, color }) {
      const radius = size / 2;
      // What overlaps does not add up: the darker, or the lighter, stays.
      context.globalCompositeOperation = color === 'black' ? 'darken' : 'lighten';
      const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) / (radius / 4)));
      for (let step = 0; step <= steps; step++) {
        const x = x0 + ((x1 - x0) * step) / steps;
        const y = y0 + ((y1 - y0) * step) / steps;
        const soft = context.createRadialGradient(x, y, radius * hardness * 0.999, x, y, radius);
        soft.addColorStop(0, color);
        soft.addColorStop(1, color === 'black' ? 'white' : 'black');
        context.fillStyle = soft;
        context.beginPath();
        context.arc(x, y, radius, 0, 2 * Math.PI);
        context.fill();
      }
    },
    copyTo(other, isMirrored) {
      other.draw(canvas, isMirrored);
    },
    drawOn(shown) {
      shown.width = width;
      shown.height = height;
      shown.getContext('2d')?.drawImage(canvas, 0, 0);
    },
    toBlob: () => canvas.convertToBlob({ type: 'image/png' }),
  };
}
