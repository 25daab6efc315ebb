import type { Rgb } from './color.ts';
import { clamp } from './math.ts';

/**
 * Paint on a grid finer than the plate: coordinates are plate pixels, `scale` cells make one.
 * Beside its colour every cell has a relief, the thickness of the paint there, for `light`.
 */
export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  readonly columns: number;
  readonly rows: number;
  readonly relief: Float32Array;
  readonly #paint: Float32Array;

  constructor(width: number, height: number, scale: number) {
    this.width = width;
    this.height = height;
    this.scale = scale;
    this.columns = Math.round(width * scale);
    this.rows = Math.round(height * scale);
    this.relief = new Float32Array(this.columns * this.rows);
    this.#paint = new Float32Array(this.columns * this.rows * 3);
  }

  at(cell: number): Rgb {
    const paint = this.#paint;
    return [paint[3 * cell] ?? 0, paint[3 * cell + 1] ?? 0, paint[3 * cell + 2] ?? 0];
  }

  set(cell: number, color: Rgb): void {
    this.#paint[3 * cell] = color[0];
    this.#paint[3 * cell + 1] = color[1];
    this.#paint[3 * cell + 2] = color[2];
  }

  blend(cell: number, color: Rgb, opacity: number): void {
    const paint = this.#paint;
    for (let channel = 0; channel < 3; channel++) {
      const under = paint[3 * cell + channel] ?? 0;
      paint[3 * cell + channel] = under + ((color[channel] ?? 0) - under) * opacity;
    }
  }

  /** The cell under a point, or -1 outside. */
  cellAt(x: number, y: number): number {
    const column = Math.floor(x * this.scale);
    const row = Math.floor(y * this.scale);
    const inside = column >= 0 && row >= 0 && column < this.columns && row < this.rows;
    return inside ? row * this.columns + column : -1;
  }

  /** Every cell of a box, with the plate coordinates of its middle. */
  within(
    [left, top, right, bottom]: readonly [number, number, number, number],
    visit: (x: number, y: number, cell: number) => void,
  ): void {
    const { columns, rows, scale } = this;
    const lastColumn = Math.min(columns, Math.ceil(right * scale));
    const lastRow = Math.min(rows, Math.ceil(bottom * scale));
    for (let row = Math.max(0, Math.floor(top * scale)); row < lastRow; row++) {
      for (let column = Math.max(0, Math.floor(left * scale)); column < lastColumn; column++) {
        visit((column + 0.5) / scale, (row + 0.5) / scale, row * columns + column);
      }
    }
  }

  /** Repaints every cell, knowing what lies there. */
  wash(color: (x: number, y: number, under: Rgb) => Rgb): void {
    this.within([0, 0, this.width, this.height], (x, y, cell) => {
      this.set(cell, color(x, y, this.at(cell)));
    });
  }

  /** Paints where `cover` (0 to 1) says so, inside a box. */
  fill(
    box: readonly [number, number, number, number],
    cover: (x: number, y: number) => number,
    color: Rgb | ((x: number, y: number) => Rgb),
  ): void {
    this.within(box, (x, y, cell) => {
      const opacity = cover(x, y);
      if (opacity > 0) this.blend(cell, typeof color === 'function' ? color(x, y) : color, opacity);
    });
  }

  /** The finished plate, 8-bit RGB: each pixel is the mean of its cells. */
  pixels(): Uint8Array {
    const { width, height } = this;
    const image = new Uint8Array(width * height * 3);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const mean = this.#mean(x, y);
        for (let channel = 0; channel < 3; channel++) {
          image[3 * (y * width + x) + channel] = Math.round(255 * clamp(mean[channel] ?? 0));
        }
      }
    }
    return image;
  }

  #mean(x: number, y: number): Rgb {
    let [red, green, blue, count] = [0, 0, 0, 0];
    this.within([x, y, x + 1, y + 1], (_x, _y, cell) => {
      const color = this.at(cell);
      red += clamp(color[0]);
      green += clamp(color[1]);
      blue += clamp(color[2]);
      count += 1;
    });
    return [red / count, green / count, blue / count];
  }
}
