import t from 'tap';

import { asCurl, asFetch } from '../../src/page/code.ts';
import { isFiner, previewOf, resultOf, sideAt, type Content } from '../../src/page/painting.ts';
import { balanceOf, weightsAt } from '../../src/page/balance.ts';
import { choose, fromFragment, initial, toFragment } from '../../src/page/settings.ts';

const blob = (text: string) => new Blob([text]);
const content: Content = {
  ...{ name: 'photo', width: 2000, height: 1000, isScaled: false, animation: undefined },
  ...{ full: blob('full'), medium: blob('medium'), small: blob('small') },
};
const mosaic = choose('mosaic', 'Mosaic');
const settings = { ...initial, styles: [mosaic] };

t.test('a link holds all settings, and gives them back', async (t) => {
  const all = {
    styles: [
      { ...choose('mosaic', 'mosaic'), weight: 3, alpha: 0.5 },
      { ...choose('ink-wash', 'ink-wash'), alpha: 0.25 },
    ],
    strokes: 2,
    color: 'content',
    size: 800,
    format: 'gif',
    quality: 70,
    frames: 'all',
  } as const;
  const fragment = toFragment(all);
  t.equal(
    fragment,
    'styles=mosaic,ink-wash&weights=3,1&alpha=0.5,0.25&strokes=2&color=content&size=800&format=gif&quality=70&frames=all',
  );
  t.same(fromFragment(fragment), all);
  t.equal(toFragment(settings), 'styles=mosaic', 'what is as usual is not said');
  t.same(fromFragment(''), initial);
});

t.test('of a link what makes no sense is left out', async (t) => {
  const styles = `<b>,A,${Array.from({ length: 20 }, (_, at) => `s${at}`).join()}`;
  const text = `styles=${styles}&weights=-1,x&alpha=2&strokes=9&color=red&size=1e9&format=tiff&quality=`;
  const { styles: read, ...others } = fromFragment(text);
  t.equal(read.length, 8);
  t.match(read[0], { id: 's0', weight: 1, alpha: 1 });
  t.same({ ...others, styles: [] }, initial);
});

t.test('a preview has strokes as wide, in proportion, as the result', async (t) => {
  const strokes = (part: object) => previewOf({ ...settings, ...part }, content).strokes;
  t.equal(strokes({}), 0.75, 'auto is as in 1024 pixels');
  t.equal(strokes({ strokes: 4 }), 1.536);
  t.equal(strokes({ strokes: 0.25 }), 0.5, 'no preview is painted at more than 1536 pixels');
  t.equal(strokes({ size: 1024 }), 0.75, 'auto is 1 there');
  const finer = (part: object) => isFiner({ ...settings, ...part }, content);
  t.ok(finer({ strokes: 0.25 }), 'which is said');
  t.ok(finer({ strokes: 1 }));
  t.notOk(finer({ strokes: 1.4 }));
  t.notOk(finer({}));
  t.notOk(finer({ strokes: 0.25, size: 700 }), 'where it is no preview');
  t.match(previewOf(settings, content), { size: 768, content: content.medium });
  t.same(
    previewOf({ ...settings, size: 700 }, content),
    resultOf({ ...settings, size: 700 }, content),
  );
});

t.test('three weights are a point in a triangle', async (t) => {
  t.same(balanceOf([1, 0, 0]), [0.5, 0]);
  t.same(balanceOf([0, 2, 0]), [0, 1]);
  t.same(balanceOf([0, 0, 3]), [1, 1]);
  t.same(balanceOf([0, 0, 0]), balanceOf([5, 5, 5]));
  t.same(weightsAt(0.5, 2 / 3), [3.3, 3.3, 3.3]);
  for (const weights of [
    [7, 2, 1],
    [0, 4, 6],
    [0, 0, 10],
  ]) {
    t.same(weightsAt(...balanceOf(weights)), weights);
  }
  t.same(weightsAt(0.5, -3), [10, 0, 0], 'the nearest corner');
  t.same(weightsAt(-3, 1), [0, 10, 0]);
  t.same(weightsAt(0, 0.5), [4, 6, 0], 'on the edge');
});

t.test('frames are painted of the file itself, and small at first', async (t) => {
  const animation = blob('frames');
  const moving = { ...content, animation };
  const asked = { ...settings, frames: 'all' } as const;
  t.match(resultOf(asked, moving), { content: animation, frames: 'all' });
  t.match(previewOf(asked, moving), { content: animation, frames: 'all', size: 384 });
  t.equal(
    resultOf(asked, { ...moving, isScaled: true }).size,
    2000,
    'as large as it was scaled to',
  );
  t.equal(resultOf(asked, content).frames, undefined, 'a photograph has none');
});

t.test('frames of the webcam are as large as keeps them moving', async (t) => {
  const rates = [10, 16, 10, 6, 4, 10, 15];
  let side = 256;
  t.same(
    rates.map((rate) => (side = sideAt(rate, side))),
    [256, 384, 384, 384, 256, 256, 256],
  );
});

t.test('weights and strengths are said where they differ', async (t) => {
  const two = [mosaic, choose('ink-wash', 'Ink wash')];
  t.match(resultOf({ ...settings, styles: two }, content), { weights: undefined, alpha: [1] });
  const [first = mosaic, second = mosaic] = two;
  const styles = [{ ...first, weight: 2, alpha: 0.5 }, second];
  t.match(resultOf({ ...settings, styles }, content), { weights: [2, 1], alpha: [0.5, 1] });
});

t.test('the code is the request', async (t) => {
  const own = { name: 'own', picture: blob('style'), weight: 1, alpha: 1 };
  const painting = resultOf(
    { ...settings, styles: [{ ...mosaic, weight: 3 }, own], size: 800, format: 'webp' },
    content,
    [blob('mask')],
  );
  t.equal(
    asCurl(painting, 'http://a/stylize').replace(/ \\\n +/g, ' '),
    'curl --fail-with-body -F content=@photo.jpg -F styleId=mosaic -F style=@style2.jpg -F mask=@mask.png -F weights=3,1 -F size=800 -F format=webp http://a/stylize -o painted.webp',
  );
  const code = asFetch(painting, 'http://a/stylize');
  t.match(code, "form.append('content', photo); // a File or Blob\n");
  t.match(
    code,
    "form.append('styleId', 'mosaic');\nform.append('style', style2); // a File or Blob\n",
  );
  t.match(code, "form.append('weights', '3,1');\n");
  t.notMatch(code, 'quality', 'what is as usual is not said');
});
