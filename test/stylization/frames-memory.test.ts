import t from 'tap';

import { measurer, skip } from '../support/peak.ts';

const measure = measurer(new URL('frames-peak.ts', import.meta.url));
const many = ['30', '480', '270'];
const two = ['2', '1600', '1000'];
for (const format of ['webp', 'gif']) {
  t.test(`an animation takes no more memory than its bound: ${format}`, { skip }, async (t) => {
    for (const [task, shape, ...rest] of [
      ['decode', many],
      ['decode', many, '960'],
      ['encode', many, 'alpha'],
      ['encode', two, 'alpha'],
      ['paint', many],
      ['paint', two],
      ['paint', many, '2'],
      ['paint', many, '0.5'],
      ['paint', many, '0.5', '8', 'content', '0.5'],
      ['paint', two, '2', '1', 'only'],
    ] as const) {
      const { bound, peak } = await measure(task, format, ...shape, ...rest);
      const [some, most] = [peak, bound].map((bytes) => Math.round(bytes / 2 ** 20));
      t.ok(peak <= bound, `${[task, ...shape, ...rest].join(' ')}: ${some} of ${most} MiB`);
    }
  });
}

t.test('100 frames of 480×270 fit a container of 2 GiB, as GIF one of 1', { skip }, async (t) => {
  const hundred = ['100', '480', '270'];
  for (const [format, strokes, megabytes] of [
    ['webp', '1', 383],
    ['webp', '2', 383],
    ['gif', '1', 276],
  ] as const) {
    const { bound, peak } = await measure('paint', format, ...hundred, strokes);
    t.ok(peak <= bound, `${peak} of ${bound} bytes`);
    t.ok(bound < megabytes * 1e6, 'which docker/README has for pictures');
  }
});
