/** Strokes as they come out, of the real networks: their width, and how sharp they are. */
import sharp from 'sharp';
import t from 'tap';

import type { RgbImage } from '../../src/rgb-image.ts';
import { build, form, recorder, type Field } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';
import { sharpness, widthOver } from '../support/spectrum.ts';

const app = await build(t);
const side = 512;
/** Soft gradients: all that is fine in the result was painted. */
const content = await sharp(Buffer.from(Array.from({ length: 75 }, (_, i) => (i * 7919) % 251)), {
  raw: { width: 5, height: 5, channels: 3 },
})
  .resize(side, side, { kernel: 'cubic' })
  .png()
  .toBuffer();

async function paint(server: typeof app, ...fields: readonly Field[]): Promise<RgbImage> {
  const reply = await server.inject(await form(['content', content], ...fields));
  if (reply.statusCode !== 200) throw new Error(reply.body);
  const { data, info } = await sharp(reply.rawPayload).raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

for (const style of ['woodcut', 'mosaic', 'marbling']) {
  t.test(`${style}: strokes are as wide as asked for`, async (t) => {
    const usual = await paint(app, ['styleId', style], ['strokes', '1']);
    for (const strokes of [0.5, 1.5, 2, 3]) {
      const painted = await paint(app, ['styleId', style], ['strokes', String(strokes)]);
      const width = widthOver(painted, usual);
      t.ok(Math.abs(width / strokes - 1) <= 0.25, `${strokes}: ${width.toFixed(2)} times as wide`);
    }
  });
}

t.test('wide strokes have sharp edges', async (t) => {
  const painted = await paint(app, ['styleId', 'woodcut'], ['strokes', '3']);
  const small = await paint(app, ['styleId', 'woodcut'], ['strokes', '1'], ['size', '171']);
  const raw = { width: small.width, height: small.height, channels: 3 } as const;
  const data = await sharp(small.data, { raw }).resize(side, side).raw().toBuffer();
  const enlarged = { width: side, height: side, data: Uint8Array.from(data) };
  t.ok(sharpness(painted) > 2 * sharpness(enlarged));
  t.ok(Math.abs(widthOver(painted, enlarged) - 1) < 0.2, 'the same strokes');
});

t.test('a picture in tiles has the same strokes', async (t) => {
  const tiled = await build(t, { ADAIN_TILE_PIXELS: '147456', ADAIN_MAX_BATCH: '1' });
  for (const strokes of ['0.7', '1.3']) {
    const fields: Field[] = [
      ['styleId', 'marbling'],
      ['strokes', strokes],
      ['color', 'content'],
      ['alpha', '0.9'],
    ];
    const [whole, parts] = [await paint(app, ...fields), await paint(tiled, ...fields)];
    const far = whole.data.filter((value, i) => Math.abs(value - (parts.data[i] ?? NaN)) > 1);
    t.ok(far.length <= 0.001 * whole.data.length, `${far.length} values differ`);
  }
});

t.test('without a word, pictures of a screen’s size are painted as by 1', async (t) => {
  const fields: Field[] = [['styleId', 'woodcut']];
  const [usual, asked] = [
    await paint(app, ...fields),
    await paint(app, ...fields, ['strokes', '1']),
  ];
  t.same([usual.width, usual.height], [asked.width, asked.height]);
  t.ok(Buffer.from(usual.data).equals(asked.data));
});

t.test('log and metrics name the controls that were turned', async (t) => {
  const { lines, logger } = recorder();
  const logging = await build(t, {}, { createEngine: fakeEngine(), logger });
  const fields: Field[] = [
    ['styleId', 'mosaic'],
    ['strokes', '2'],
    ['color', 'only'],
    ['alpha', '1'],
  ];
  const { headers } = await logging.inject(await form(['content', content], ...fields));
  t.match(headers['server-timing'], /underpaint;dur=/);
  const line = lines.find(({ route }) => route === '/stylize');
  t.match(line, { strokes: 2, color: 'only', alpha: undefined });
  const { body } = await logging.inject('/metrics');
  t.match(body, 'adain_controls_total{control="strokes"} 1\n');
  t.match(body, 'adain_controls_total{control="color"} 1\n');
  t.match(body, 'adain_controls_total{control="alpha"} 0\n');
});

t.test('strokes that would need too large a painting', async (t) => {
  const small = await build(t, { ADAIN_MAX_PIXELS: '500000' }, { createEngine: fakeEngine() });
  const fields: Field[] = [
    ['styleId', 'woodcut'],
    ['strokes', '0.25'],
  ];
  const reply = await small.inject(await form(['content', content], ...fields));
  t.equal(reply.statusCode, 422);
  t.match(reply.json(), { code: 'too_many_pixels', field: 'strokes' });
});
