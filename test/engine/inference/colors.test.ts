import t from 'tap';
import { mixColors } from '../../../src/engine/inference/colors.ts';
import { testPicture } from '../helpers.ts';

const luma = (p: Uint8Array, i: number) =>
  0.299 * (p[i] ?? NaN) + 0.587 * (p[i + 1] ?? NaN) + 0.114 * (p[i + 2] ?? NaN);

t.test('content: the luma of the painting and the chroma of the content', (t) => {
  const content = testPicture(40, 30, 1).data;
  const painted = testPicture(40, 30, 2).data;
  const kept = painted.slice();
  mixColors('content', content, kept);
  const wrong: number[] = [];
  for (let i = 0; i < kept.length; i++) {
    const pixel = i - (i % 3);
    const exact = (content[i] ?? NaN) + luma(painted, pixel) - luma(content, pixel);
    if (Math.abs((kept[i] ?? NaN) - Math.min(255, Math.max(0, exact))) > 0.5 + 1e-9) wrong.push(i);
  }
  t.same(wrong, []);
  t.end();
});

t.test('values are clamped, and grey stays grey', (t) => {
  const kept = Uint8Array.of(255, 255, 255, 0, 0, 0, 200, 10, 90);
  mixColors('content', Uint8Array.of(250, 3, 40, 250, 3, 40, 128, 128, 128), kept);
  t.equal(kept[0], 255);
  t.equal(kept[4], 0);
  t.equal(kept[6], kept[7]);
  t.equal(kept[7], kept[8]);
  t.end();
});

t.test('only is the reverse of content, and style leaves all as it is', (t) => {
  const content = testPicture(40, 30, 1).data;
  const painted = testPicture(40, 30, 2).data;
  const [only, reverse, same] = [painted.slice(), content.slice(), painted.slice()];
  mixColors('only', content, only);
  mixColors('content', painted, reverse);
  mixColors('style', content, same);
  t.same(only, reverse);
  t.same(same, painted);
  t.end();
});
