import { readFile, rename } from 'node:fs/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import t, { type Test } from 'tap';

import { build, photo } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';

interface Style {
  id: string;
  name: string;
  description: string;
  license: string;
  width: number;
  height: number;
  links: { self: string; image: string; thumbnail: string };
}

const app = await build(t, {}, { createEngine: fakeEngine() });
const { styles } = (await app.inject('/styles')).json<{ styles: Style[] }>();

t.test('at least eight presets, each with words and a free license', async (t) => {
  t.ok(styles.length >= 8);
  for (const style of styles) {
    t.match(style, { id: /^[a-z0-9-]+$/, name: /./, description: /.{20}/, license: 'CC0-1.0' });
  }
});

t.test('the links lead to the style, its picture and its thumbnail', async (t) => {
  for (const style of styles) {
    t.same((await app.inject(style.links.self)).json(), style);

    const image = await app.inject(style.links.image);
    const { width, height, format } = await sharp(image.rawPayload).metadata();
    t.same([width, height], [style.width, style.height]);
    t.equal(image.headers['content-type'], `image/${format}`);

    const thumbnail = await app.inject(style.links.thumbnail);
    const small = await sharp(thumbnail.rawPayload).metadata();
    t.equal(Math.max(small.width, small.height), 256);
    t.equal(thumbnail.headers['content-type'], 'image/webp');
  }
});

t.test('a picture that the client has is not sent again', async (t) => {
  for (const url of Object.values(styles[0]?.links ?? {})) {
    const { etag } = (await app.inject(url)).headers;
    const tag = String(etag);
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`, `W/"a,b" ,W/${tag},`, '*', ' * ']) {
      const again = await app.inject({ url, headers: { 'if-none-match': known } });
      t.equal(again.statusCode, 304, known);
      t.equal(again.body, '');
      t.match(again.headers, { etag, 'cache-control': 'public, max-age=300' });
      for (const of of ['content-length', 'content-type']) t.notOk(of in again.headers, of);
    }
    const unquoted = tag.replaceAll('"', '');
    for (const unknown of ['"other"', '"*"', '', unquoted, `"other${unquoted}"`, `"${tag}`]) {
      const other = await app.inject({ url, headers: { 'if-none-match': unknown } });
      t.equal(other.statusCode, 200, unknown);
      t.equal(other.headers['cache-control'], 'public, max-age=300');
    }
    const lengths = await Promise.all(
      (['GET', 'HEAD', 'HEAD'] as const).map(async (method, i) => {
        const headers = i === 2 ? { 'if-none-match': tag } : {};
        const { statusCode, headers: sent, body } = await app.inject({ method, url, headers });
        t.equal(statusCode, i === 2 ? 304 : 200);
        t.equal(sent.etag, etag);
        if (method === 'HEAD') t.equal(body, '');
        return sent['content-length'];
      }),
    );
    t.equal(new Set(lengths).size, 1, 'HEAD tells the length that GET has, never 0');
  }
});

t.test('an unknown style', async (t) => {
  for (const path of ['', '/image', '/thumbnail']) {
    const reply = await app.inject(`/styles/no-such${path}`);
    t.match(reply.json(), { status: 404, code: 'unknown_style', detail: /GET \/styles/ });
    notCacheable(t, reply.headers);
  }
});

t.test('the operator’s own folder is served beside the presets', async (t) => {
  const folder = t.testdir({});
  await sharp(await photo()).toFile(`${folder}/House Style.png`);
  const app = await build(t, { ADAIN_STYLES_DIR: folder }, { createEngine: fakeEngine() });
  await described(app);
  const listed = (await app.inject('/styles')).json<{ styles: Style[] }>().styles;
  t.equal(listed.length, styles.length + 1);
  const image = await app.inject('/styles/house-style/image');
  t.ok(image.rawPayload.equals(await readFile(`${folder}/House Style.png`)));
  await app.close(); // it writes there
});

t.test('a shipped one that is damaged stops the start with its path', async (t) => {
  const whole = await photo();
  const folder = t.testdir({ styles: { 'torn.png': whole.subarray(0, whole.length / 2) } });
  await t.rejects(build(t, { ADAIN_MODELS_DIR: folder }, { createEngine: fakeEngine() }), {
    message: `The style picture ${folder}/styles/torn.png cannot be used (The file begins like png`,
  });
});

t.test('the shipped presets can be left out, as a model folder may not have them', async (t) => {
  const folder = t.testdir({});
  await sharp(await photo()).toFile(`${folder}/mine.png`);
  const environment = { ADAIN_STYLES_DIR: folder, ADAIN_PRESETS: 'none' };
  const parts = { createEngine: fakeEngine() };
  const app = await build(t, environment, parts);
  await described(app);
  t.match((await app.inject('/styles')).json(), { styles: [{ id: 'mine' }] });
  await app.close(); // it writes there
  await t.rejects(build(t, { ADAIN_MODELS_DIR: folder }, parts), {
    message: /styles cannot be read .* ADAIN_PRESETS to none\.$/,
  });
});

t.test('a shipped picture that cannot be read is a failure while that lasts', async (t) => {
  const folder = t.testdir({ styles: {} });
  const file = `${folder}/styles/mine.png`;
  await sharp(await photo()).toFile(file);
  const app = await build(t, { ADAIN_MODELS_DIR: folder }, { createEngine: fakeEngine() });
  const urls = ['/styles/mine/thumbnail', '/styles/mine/image'];
  await rename(file, `${file}.away`);
  for (const url of urls) {
    const reply = await app.inject(url);
    t.match(reply.json(), { status: 500, code: 'internal' });
    notCacheable(t, reply.headers);
  }
  await rename(`${file}.away`, file);
  for (const url of urls) t.equal((await app.inject(url)).statusCode, 200);
});

/** The operator's presets come after the start. */
async function described(app: Awaited<ReturnType<typeof build>>): Promise<void> {
  while ((await app.inject('/readyz')).body !== '{"status":"ok"}') await setTimeout(5);
}

function notCacheable(t: Test, { etag, 'cache-control': control }: OutgoingHttpHeaders): void {
  t.equal(control, 'no-store');
  t.equal(etag, undefined);
}
