import t from 'tap';
import { canvasSize, copyCanvas, featuresOfPicture } from '../../../src/engine/tiling/canvas.ts';
import { rectangleAt } from '../../../src/engine/tiling/rectangle.ts';
import { testPicture } from '../helpers.ts';

const stride = 8;

/** Where a walk to and fro between the first and the last ends, of one who turns at the walls. */
function walk(length: number, steps: number): number {
  let [at, step] = [0, 1];
  for (let i = 0; i < steps; i++) {
    if (at + step < 0 || at + step >= length) step = -step;
    at += step;
  }
  return at;
}

t.test('the canvas reflects without repeating the edge, up to the next stride', (t) => {
  for (const [width, height, margin] of [
    [37, 21, 8],
    [17, 16, 32],
    [3, 2, 24], // mirrored many times over
  ] as const) {
    const image = testPicture(width, height);
    const canvas = canvasSize(image, { margin, stride });
    t.same([canvas.width % stride, canvas.height % stride], [0, 0], 'a multiple of the stride');
    const spare = [canvas.width - width - 2 * margin, canvas.height - height - 2 * margin];
    t.ok(
      spare.every((pixels) => pixels >= 0 && pixels < stride),
      'and the next one',
    );
    for (const part of [
      rectangleAt(0, 0, canvas),
      rectangleAt(0, 8, { width: 8, height: 16 }),
      rectangleAt(canvas.width - 8, 8, { width: 8, height: canvas.height - 8 }),
      rectangleAt(16, 16, { width: 16, height: 8 }),
    ]) {
      const source = (i: number, length: number) => walk(length, Math.abs(i - margin));
      const expected: number[] = [];
      for (let y = part.y0; y < part.y1; y++) {
        for (let x = part.x0; x < part.x1; x++) {
          const at = 3 * (source(y, height) * width + source(x, width));
          expected.push(...image.data.subarray(at, at + 3));
        }
      }
      const found = new Uint8Array(expected.length);
      copyCanvas(image, margin, part, found);
      t.same([...found], expected);
    }
  }
  t.end();
});

t.test('features that touch the picture count, those of the margin do not', (t) => {
  const padding = { margin: 32, stride };
  t.same(featuresOfPicture({ width: 16, height: 17 }, padding), { x0: 4, y0: 4, x1: 6, y1: 7 });
  t.end();
});
