import sharp from 'sharp';
import t from 'tap';

import { build, form, photo, type Field } from '../support/app.ts';

const app = await build(t);
const content = await photo(80, 56);
const { styles } = (await app.inject('/styles')).json<{ styles: { id: string }[] }>();
const [first, second] = styles.map((style) => style.id) as [string, string];

const pixels = async (bytes: Buffer) => sharp(bytes).removeAlpha().raw().toBuffer();

/** Mean absolute difference of two pictures of one size, in levels of 255. */
async function difference(a: Buffer, b: Buffer): Promise<number> {
  const [left, right] = [await pixels(a), await pixels(b)];
  if (left.length !== right.length) throw new Error('the sizes differ');
  return left.reduce((sum, value, i) => sum + Math.abs(value - (right[i] ?? 0)), 0) / left.length;
}

async function stylize(...fields: readonly Field[]) {
  const reply = await app.inject(await form(...fields));
  if (reply.statusCode !== 200) throw new Error(reply.body);
  return reply;
}

t.test('a preset', async (t) => {
  const reply = await stylize(['content', content], ['styleId', first]);
  t.equal(reply.headers['content-type'], 'image/png');
  t.equal(reply.headers['style-id'], first);
  t.match(
    reply.headers['server-timing'],
    /^decode;dur=[\d.]+, style;desc=hit;dur=[\d.]+, queue;dur=[\d.]+, infer;dur=[\d.]+, encode;dur=[\d.]+, total;dur=[\d.]+$/,
  );
  const { width, height } = await sharp(reply.rawPayload).metadata();
  t.same([width, height], [80, 56], 'the size of the content');
  t.ok((await difference(reply.rawPayload, content)) > 5, 'it has changed');
});

t.test('two presets give two pictures', async (t) => {
  const one = await stylize(['content', content], ['styleId', first]);
  const two = await stylize(['content', content], ['styleId', second]);
  t.ok((await difference(one.rawPayload, two.rawPayload)) > 5);
});

t.test('an uploaded style, then the same by its id', async (t) => {
  const style = await photo(70, 90, 5);
  const uploaded = await stylize(['content', content], ['style', style]);
  t.match(uploaded.headers['server-timing'], /style;desc=miss/);
  const id = String(uploaded.headers['style-id']);
  t.match(id, /^sha256-[0-9a-f]{64}$/);

  const byId = await stylize(['content', content], ['styleId', id]);
  t.match(byId.headers['server-timing'], /style;desc=hit/);
  t.ok(byId.rawPayload.equals(uploaded.rawPayload), 'the same picture');

  const asWebp = await sharp(style).webp({ lossless: true }).toBuffer();
  const recoded = await stylize(['content', content], ['style', asWebp]);
  t.equal(recoded.headers['style-id'], id, 'the id is of the pixels, not of the file');
});

t.test('blends follow the weights in the order of the form, files and ids mixed', async (t) => {
  const style = await photo(64, 64, 7);
  const only = await stylize(['content', content], ['styleId', first]);
  const weighted = await stylize(
    ['content', content],
    ['style', style],
    ['styleId', first],
    ['weights', '0,3'],
  );
  t.ok(weighted.rawPayload.equals(only.rawPayload), 'weight 0 leaves the file out');
  t.match(weighted.headers['style-id'], new RegExp(`^sha256-[0-9a-f]+, ${first}$`));

  const repeated = await stylize(
    ['content', content],
    ['styleId', first],
    ['style', style],
    ['weights', '1'],
    ['weights', '0'],
  );
  t.ok(repeated.rawPayload.equals(only.rawPayload), 'weights may be repeated fields');

  const equal = await stylize(['content', content], ['styleId', first], ['styleId', second]);
  const other = await stylize(['content', content], ['styleId', second]);
  const [d1, d2, d12] = [
    await difference(equal.rawPayload, only.rawPayload),
    await difference(equal.rawPayload, other.rawPayload),
    await difference(only.rawPayload, other.rawPayload),
  ];
  t.ok(d1 < d12 && d2 < d12, 'the blend lies between the two');
});

t.test('a Style-Id header can be sent back as one styleId', async (t) => {
  const blended = await stylize(
    ['content', content],
    ['styleId', first],
    ['styleId', second],
    ['weights', '3,1'],
  );
  const again = await stylize(
    ['content', content],
    ['styleId', String(blended.headers['style-id'])],
    ['weights', '3, 1e0'],
  );
  t.equal(again.headers['style-id'], `${first}, ${second}`);
  t.ok(again.rawPayload.equals(blended.rawPayload), 'the same picture');
});

t.test('alpha goes from the content to the style', async (t) => {
  const at = async (alpha: string) =>
    (await stylize(['content', content], ['styleId', first], ['alpha', alpha])).rawPayload;
  const [none, half, full] = [await at('0'), await at('0.5'), await at('1')];
  const near = await difference(none, content);
  t.ok(near < (await difference(half, content)) && near < (await difference(full, content)));
  t.ok((await difference(none, half)) < (await difference(none, full)));
});

t.test('color: light and chroma, of the style or the content', async (t) => {
  const painted = await stylize(['content', content], ['styleId', first]);
  const kept = await stylize(['content', content], ['styleId', first], ['color', 'content']);
  const only = await stylize(['content', content], ['styleId', first], ['color', 'only']);
  const chroma = async (bytes: Buffer) => {
    const rgb = await pixels(bytes);
    // Red and blue against green: grey, whatever its lightness, is 0.
    return rgb.map((value, i) => 128 + (value - (rgb[i - (i % 3) + 1] ?? 0)) / 2);
  };
  const far = async (bytes: Buffer) => {
    const [a, b] = [await chroma(bytes), await chroma(content)];
    return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length;
  };
  t.ok((await far(kept.rawPayload)) < 0.7 * (await far(painted.rawPayload)));
  t.ok((await difference(kept.rawPayload, content)) > 3, 'it is painted all the same');
  const grey = async (bytes: Buffer) => sharp(bytes).greyscale().raw().toBuffer();
  const light = async (bytes: Buffer) => {
    const [a, b] = [await grey(bytes), await grey(content)];
    return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length;
  };
  t.ok((await light(only.rawPayload)) < 0.7 * (await light(painted.rawPayload)));
  t.ok((await far(only.rawPayload)) > (await far(kept.rawPayload)));

  const older = async (value: string) =>
    (await stylize(['content', content], ['styleId', first], ['preserveColor', value])).rawPayload;
  t.same(await older('true'), kept.rawPayload, 'its older name');
  t.same(await older('false'), painted.rawPayload);
  const both: Field[] = [
    ['color', 'content'],
    ['preserveColor', 'false'],
  ];
  const said = await stylize(['content', content], ['styleId', first], ...both);
  t.same(said.rawPayload, kept.rawPayload, 'false says nothing');
});

t.test('size is the longest side of the result', async (t) => {
  for (const [size, expected] of [
    ['40', [40, 28]],
    ['120', [120, 84]],
  ] as const) {
    const reply = await stylize(['content', content], ['styleId', first], ['size', size]);
    const { width, height } = await sharp(reply.rawPayload).metadata();
    t.same([width, height], expected);
  }
});

t.test('odd sizes and the smallest', async (t) => {
  for (const [width, height] of [
    [16, 16],
    [17, 31],
    [101, 67],
  ] as const) {
    const reply = await stylize(['content', await photo(width, height)], ['styleId', first]);
    const made = await sharp(reply.rawPayload).metadata();
    t.same([made.width, made.height], [width, height]);
  }
});

t.test('the format: field, then Accept, then the content’s own', async (t) => {
  const jpeg = await sharp(content).jpeg().toBuffer();
  const formatOf = async (accept: string | undefined, ...fields: readonly Field[]) => {
    const request = await form(['content', jpeg], ['styleId', first], ...fields);
    const headers = { ...request.headers, ...(accept !== undefined && { accept }) };
    const reply = await app.inject({ ...request, headers });
    const made = await sharp(reply.rawPayload).metadata();
    const type = reply.headers['content-type'];
    t.equal(type, `image/${made.format === 'heif' ? 'avif' : made.format}`, 'says what it is');
    return type;
  };
  t.equal(await formatOf(undefined), 'image/jpeg');
  t.equal(await formatOf('*/*'), 'image/jpeg');
  t.equal(await formatOf('image/*'), 'image/jpeg');
  t.equal(await formatOf('image/webp'), 'image/webp');
  t.equal(await formatOf('image/png;q=0.5, image/avif'), 'image/avif');
  t.equal(await formatOf('image/webp', ['format', 'png']), 'image/png');
});

t.test('quality trades bytes', async (t) => {
  const size = async (quality: string) =>
    (
      await stylize(
        ['content', content],
        ['styleId', first],
        ['format', 'jpeg'],
        ['quality', quality],
      )
    ).rawPayload.length;
  t.ok((await size('20')) < (await size('95')));
});

t.test('transparency is the content’s', async (t) => {
  const mask = await sharp({
    create: { width: 80, height: 56, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
  })
    .composite([{ input: await photo(40, 30), left: 10, top: 10 }])
    .png()
    .toBuffer();
  const reply = await stylize(['content', mask], ['styleId', first]);
  const alphaOf = (bytes: Buffer) => sharp(bytes).extractChannel('alpha').raw().toBuffer();
  t.ok((await alphaOf(reply.rawPayload)).equals(await alphaOf(mask)));
});

t.test('controls that a browser left empty count as absent', async (t) => {
  const reply = await app.inject(
    await form(['content', content], ['styleId', first], ['size', ''], ['weights', '']),
  );
  t.equal(reply.statusCode, 200);
});
