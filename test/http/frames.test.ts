import sharp from 'sharp';
import t from 'tap';

import { testPicture } from '../engine/helpers.ts';
import { build, form, photo, type Field } from '../support/app.ts';
import { clipOf, clipPixels, columnsFrom, readClip } from '../support/clip.ts';

const app = await build(t, { ADAIN_MAX_FRAMES: '8', ADAIN_MAX_PIXELS: '1500000' });
const [width, height] = [400, 48];
const delay = [30, 70, 40, 120, 50, 60];

/** Two scenes of three frames, each of which stands still but for its left. */
const pixels = clipPixels({
  ...{ width, height, columns: 64 },
  frames: [1, 2, 3, 4, 5, 6].map((moving, i) => ({ still: i < 3 ? 11 : 12, moving })),
});
// The second scene is another in its colours as well.
pixels.subarray(pixels.length / 2).forEach((value, i) => {
  pixels[pixels.length / 2 + i] = i % 3 === 0 ? value >> 2 : value;
});
const lossless = { lossless: true, delay, loop: 2 } as const;
const clip = await clipOf(pixels, width, height).webp(lossless).toBuffer();

const paint = async (...fields: readonly Field[]) =>
  app.inject(await form(['styleId', 'mosaic'], ['frames', 'all'], ...fields));

t.test('all frames, as long and as often; what stands still is the same in a scene', async (t) => {
  const answer = await paint(['content', clip], ['format', 'gif']);
  t.equal(answer.statusCode, 200, answer.body.slice(0, 200));
  t.equal(answer.headers['content-type'], 'image/gif');
  t.match(answer.headers['server-timing'], /frames;dur=/);
  const painted = await readClip(answer.rawPayload);
  t.match(painted, { delay, loop: 2, format: 'gif', width, height });
  const still = painted.frames.map((frame) => columnsFrom(frame, width, 320));
  const isSame = still.slice(1).map((frame, i) => frame.equals(still[i] as Buffer));
  t.same(isSame, [true, true, false, true, true]);
  t.notOk(painted.frames[1]?.equals(painted.frames[0] as Buffer));
});

t.test('a scene has no part in another', async (t) => {
  const first = clipOf(pixels.subarray(0, pixels.length / 2), width, height);
  const alone = await first.webp({ ...lossless, delay: delay.slice(0, 3) }).toBuffer();
  // Losslessly, as a still picture of the last frame alone would be.
  const answers = await Promise.all(
    [alone, clip].map((content) => paint(['content', content], ['quality', '100'])),
  );
  const [one, both] = await Promise.all(answers.map((answer) => readClip(answer.rawPayload)));
  t.ok(one?.frames[0]?.equals(both?.frames[0] as Buffer));
});

t.test('the order of frames is kept, and a format as it is accepted', async (t) => {
  const grey = (level: number) => testPicture(64, 48).data.map((value) => value / 4 + level);
  const levels = [10, 150, 80, 120];
  const order = await clipOf(Buffer.concat(levels.map(grey)), 64, 48)
    .gif({ dither: 0, delay: [50, 60, 70, 80] })
    .toBuffer();
  const request = await form(['content', order], ['styleId', 'mosaic'], ['frames', 'all']);
  for (const [accept, type] of [
    ['*/*', 'image/gif'],
    ['image/webp', 'image/webp'],
  ] as const) {
    const headers = { ...request.headers, accept };
    const answer = await app.inject({ ...request, headers });
    t.equal(answer.headers['content-type'], type);
    const { frames, loop, delay } = await readClip(answer.rawPayload);
    t.match({ loop, delay }, { loop: 0, delay: [50, 60, 70, 80] });
    t.equal(frames.length, 4);
  }
  const untouched = await paint(['content', order], ['alpha', '0'], ['color', 'content']);
  const { frames } = await readClip(untouched.rawPayload);
  const means = frames.map((frame) => frame.reduce((sum, value) => sum + value, 0) / frame.length);
  const ranks = means.map((mean) => means.filter((other) => other < mean).length);
  t.same(ranks, [0, 3, 1, 2]);
});

t.test('masks, strokes and colours hold for every frame', async (t) => {
  const two = pixels.subarray(0, pixels.length / 3);
  const short = await clipOf(two, width, height).webp({ lossless: true }).toBuffer();
  const black = await sharp({
    create: { width: 8, height: 8, channels: 3, background: 'black' },
  })
    .png()
    .toBuffer();
  for (const strokes of ['0.5', '1', '2']) {
    const left = await paint(
      ['content', short],
      ['mask', black],
      ['strokes', strokes],
      ['quality', '100'],
    );
    t.equal(left.statusCode, 200, left.body.slice(0, 200));
    const { frames } = await readClip(left.rawPayload);
    const distance = frames.map((frame, i) => {
      const start = i * frame.length;
      return (
        frame.reduce((sum, v, at) => sum + Math.abs(v - (pixels[start + at] ?? 0)), 0) /
        frame.length
      );
    });
    t.ok(
      Math.max(...distance) < 6,
      `only WebP's loss at strokes ${strokes}: ${distance.join(' ')}`,
    );
    const painted = await paint(
      ['content', short],
      ['strokes', strokes],
      ['format', 'gif'],
      ['color', 'only'],
    );
    const still = (await readClip(painted.rawPayload)).frames.map((frame) =>
      columnsFrom(frame, width, 380),
    );
    t.ok(still[1]?.equals(still[0] as Buffer), `still at strokes ${strokes}`);
  }
  const white = await sharp(black).negate().png().toBuffer();
  const byPlace = await paint(
    ...([
      ['content', short],
      ['styleId', 'pastel'],
      ['mask', white],
      ['mask', white],
      ['format', 'gif'],
    ] as const),
  );
  t.equal(byPlace.statusCode, 200, byPlace.body.slice(0, 200));
});

t.test('opacity is kept', async (t) => {
  const alpha = Buffer.alloc(3 * 64 * 48, 255).fill(0, 0, 64 * 10);
  const rgba = await sharp(testPicture(64, 144).data, {
    raw: { width: 64, height: 144, channels: 3 },
  })
    .joinChannel(alpha, { raw: { width: 64, height: 144, channels: 1 } })
    .raw()
    .toBuffer();
  const raw = { width: 64, height: 144, channels: 4, pageHeight: 48 } as const;
  const content = await sharp(rgba, { raw }).webp({ lossless: true }).toBuffer();
  for (const format of ['gif', 'webp']) {
    const { rawPayload } = await paint(['content', content], ['format', format]);
    const data = await sharp(rawPayload, { animated: true }).ensureAlpha().raw().toBuffer();
    const opacity = [0, 9, 10, 48, 100].map((row) => data[4 * 64 * row + 3]);
    t.same(opacity, [0, 0, 255, 255, 255], format);
  }
});

t.test('of a still picture its only frame, and without a word the first', async (t) => {
  const still = await paint(['content', await photo(48, 32)]);
  t.match(still.headers, { 'content-type': 'image/png' });
  for (const fields of [[], [['frames', 'first']]] as const) {
    const first = await app.inject(await form(['content', clip], ['styleId', 'mosaic'], ...fields));
    t.equal((await readClip(first.rawPayload)).frames.length, 1);
  }
});
