import type { Size } from '../../rgb-image.ts';

/** A part of a picture, of its canvas or of the features: columns x0..x1, rows y0..y1. */
export interface Rectangle {
  readonly x0: number;
  readonly y0: number;
  /** Exclusive. */
  readonly x1: number;
  readonly y1: number;
}

export function rectangleAt(x0: number, y0: number, { width, height }: Size): Rectangle {
  return { x0, y0, x1: x0 + width, y1: y0 + height };
}

export function sizeOf({ x0, y0, x1, y1 }: Rectangle): Size {
  return { width: x1 - x0, height: y1 - y0 };
}

export function area({ x0, y0, x1, y1 }: Rectangle): number {
  return (x1 - x0) * (y1 - y0);
}

/** The rectangle as seen from the corner of another. */
export function relative({ x0, y0, x1, y1 }: Rectangle, to: Rectangle): Rectangle {
  return { x0: x0 - to.x0, y0: y0 - to.y0, x1: x1 - to.x0, y1: y1 - to.y0 };
}

export function overlap(a: Rectangle, b: Rectangle): Rectangle {
  return {
    x0: Math.max(a.x0, b.x0),
    y0: Math.max(a.y0, b.y0),
    x1: Math.min(a.x1, b.x1),
    y1: Math.min(a.y1, b.y1),
  };
}

export function scale({ x0, y0, x1, y1 }: Rectangle, by: number): Rectangle {
  return { x0: x0 * by, y0: y0 * by, x1: x1 * by, y1: y1 * by };
}
