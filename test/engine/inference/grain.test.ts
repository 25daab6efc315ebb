import t from 'tap';
import { addGrain, makeField } from '../../../src/engine/inference/grain.ts';
import { rectangleAt } from '../../../src/engine/tiling/rectangle.ts';
import type { Rectangle } from '../../../src/engine/tiling/rectangle.ts';
import { deviation, mean } from '../formulas.ts';

/** What grain of 4 levels adds to grey, one number a pixel. */
function grainOn(rectangle: Rectangle, levels = 4): Int8Array {
  const pixels = new Uint8Array(
    3 * (rectangle.x1 - rectangle.x0) * (rectangle.y1 - rectangle.y0),
  ).fill(128);
  addGrain(pixels, rectangle, levels);
  return Int8Array.from({ length: pixels.length / 3 }, (_, i) => (pixels[3 * i] ?? NaN) - 128);
}

t.test('the field has the deviation that it promises, and no colour', (t) => {
  const field = Float64Array.from(makeField());
  t.ok(Math.abs(mean(field)) < 1);
  t.ok(Math.abs(deviation(field) / 32 - 1) < 0.01);
  const pixels = new Uint8Array(3 * 40).fill(128);
  addGrain(pixels, rectangleAt(0, 0, { width: 40, height: 1 }), 8);
  t.ok(pixels.every((value, i) => value === pixels[i - (i % 3)]));
  t.ok(new Set(pixels).size > 4);
  t.end();
});

t.test('a part gets the grain of its place in the whole, before the first pixel too', (t) => {
  const [left, top, width] = [-64, -64, 1200];
  const whole = grainOn(rectangleAt(left, top, { width, height: 200 }));
  for (const [x0, y0] of [
    [-64, -64],
    [-8, 5],
    [1000, 40],
  ] as const) {
    const part = grainOn(rectangleAt(x0, y0, { width: 50, height: 30 }));
    const cut = part.map((_, i) => {
      const [x, y] = [x0 + (i % 50), y0 + Math.floor(i / 50)];
      return whole[(y - top) * width + (x - left)] ?? NaN;
    });
    t.same(part, cut, `at ${x0}, ${y0}`);
  }
  t.end();
});

t.test('no levels change nothing, and bytes stay bytes', (t) => {
  const rectangle = rectangleAt(3, 4, { width: 64, height: 64 });
  t.ok(grainOn(rectangle, 0).every((amount) => amount === 0));
  for (const grey of [0, 255]) {
    const pixels = new Uint8Array(3 * 64 * 64).fill(grey);
    addGrain(pixels, rectangle, 8);
    t.ok(pixels.every((value) => Math.abs(value - grey) < 40));
  }
  t.end();
});
