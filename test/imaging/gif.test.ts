import sharp from 'sharp';
import t from 'tap';

import { encodeGif } from '../../src/imaging/gif.ts';
import { readClip } from '../support/clip.ts';
import { randomNumbers, testPicture } from '../engine/helpers.ts';

const [width, height] = [300, 200];
const stackOf = (pictures: readonly Uint8Array[]) => ({
  ...{ width, height: height * pictures.length },
  data: Uint8Array.from(pictures.flatMap((picture) => [...picture])),
});

t.test(
  'noise, which fills the table of codes again and again, is read as it was written',
  async (t) => {
    const random = randomNumbers(3);
    // Of few colours, so that the palette has each.
    const noise = () =>
      Uint8Array.from(
        { length: 3 * width * height },
        (_, i) => 85 * Math.floor(4 * random()) * (i % 3 ? 1 : 0),
      );
    const image = stackOf([noise(), noise()]);
    const bytes = await encodeGif(image, undefined, { delays: [20, 655_350], loop: 0 }, undefined);
    const { frames, delay, loop } = await readClip(bytes);
    t.match({ delay, loop }, { delay: [20, 655_350], loop: 0 });
    const written = Buffer.concat(frames);
    const off = written.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (image.data[i] ?? NaN))),
      0,
    );
    t.ok(off <= 3, `within ${off}`);
  },
);

t.test(
  'one palette: a colour is the same in every frame; the loops, and XMP for who looks',
  async (t) => {
    const [a, b] = [testPicture(width, height, 1).data, testPicture(width, height, 2).data];
    const half = a.map((value, i) => (Math.floor(i / 3) % width < 150 ? (b[i] as number) : value));
    const image = stackOf([a, half, a]);
    const timing = { delays: [50, 60, 70], loop: 1 };
    const bytes = await encodeGif(image, undefined, timing, '<x>we</x>');
    t.ok(bytes.includes('XMP DataXMP<x>we</x>'));
    t.notOk(bytes.includes('NETSCAPE'));
    const { frames, loop } = await readClip(bytes);
    t.equal(loop, 1);
    t.ok(frames[2]?.equals(frames[0] as Buffer));
    const right = frames.map((frame) =>
      Buffer.from(frame.filter((_, i) => Math.floor(i / 3) % width >= 150)),
    );
    t.ok(right[1]?.equals(right[0] as Buffer));
    t.notOk(frames[1]?.equals(frames[0] as Buffer));
    const error = (frames[0] as Buffer).reduce(
      (sum, value, i) => sum + Math.abs(value - (a[i] ?? NaN)),
      0,
    );
    t.ok(error / a.length < 8, `${error / a.length} levels from what it was`);
  },
);

t.test('what is clear in a frame does not show the one before', async (t) => {
  const image = stackOf([testPicture(width, height, 1).data, testPicture(width, height, 2).data]);
  const alpha = new Uint8Array(2 * width * height).fill(255);
  alpha.fill(127, width * height, width * height + 50 * width);
  const bytes = await encodeGif(image, alpha, { delays: [50, 50], loop: 3 }, undefined);
  const data = await sharp(bytes, { animated: true }).ensureAlpha().raw().toBuffer();
  const opacity = [0, height, height + 49, height + 50].map((row) => data[4 * width * row + 3]);
  t.same(opacity, [255, 0, 0, 255]);
});
