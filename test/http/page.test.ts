import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { parse } from 'yaml';

import { build } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';
import { root } from '../docker/files.ts';

const parts = { createEngine: fakeEngine() };
const app = await build(t, {}, parts);
const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';

const files = readdirSync(root('dist/assets'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.includes('.'))
  .map((name) => ({ name, bytes: readFileSync(root(`dist/assets/${name}`)) }));

/** What the page has no control for. */
const notSent = new Set(['description', 'license']);

interface Described {
  readonly paths: Record<
    string,
    {
      post: {
        requestBody: {
          content: Record<'multipart/form-data', { schema: { properties: object } }>;
        };
      };
    }
  >;
}

t.test('/ is a page where HTML is accepted, and links where it is not', async (t) => {
  const page = await app.inject({ url: '/', headers: { accept } });
  t.equal(page.statusCode, 200);
  t.match(page.headers, {
    'content-type': 'text/html; charset=utf-8',
    vary: 'Accept',
    'content-security-policy': /^default-src 'none'; script-src 'self'; style-src 'self'; /,
  });
  t.notMatch(page.headers['content-security-policy'], /unsafe|\*/);
  for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json' }]) {
    const index = await app.inject({ url: '/', headers });
    t.match(index.headers, { 'content-type': /^application\/json/, vary: 'Accept' });
    const { links } = index.json<{ links: Record<string, string> }>();
    for (const link of Object.values(links)) {
      const { statusCode } = await app.inject(link);
      t.equal(statusCode, link === '/stylize' ? 405 : 200, link);
    }
  }
});

t.test('ADAIN_PAGE=off leaves the links alone', async (t) => {
  const without = await build(t, { ADAIN_PAGE: 'off' }, parts);
  const index = await without.inject({ url: '/', headers: { accept } });
  t.match(index.headers['content-type'], 'application/json');
  t.equal((await without.inject('/assets/page/main.js')).statusCode, 404);
});

t.test('all that it loads is there, tagged by content, and light', async (t) => {
  const { body } = await app.inject({ url: '/', headers: { accept } });
  const loaded = [...body.matchAll(/(?:src|href)="(assets\/[^"]*)"/g)].map(([, url]) => url ?? '');
  t.ok(loaded.length >= 6);
  const modules = files.map(({ name }) => `assets/${name}`).filter((name) => /\.js$/.test(name));
  for (const url of [...loaded, ...modules, 'assets/examples/lake.jpg']) {
    const { statusCode, headers } = await app.inject(`/${url}`);
    t.equal(statusCode, 200, url);
    t.match(headers, { 'content-type': /^(image\/|text\/)/, 'cache-control': 'no-cache' });
    const again = { url: `/${url}`, headers: { 'if-none-match': String(headers.etag) } };
    t.equal((await app.inject(again)).statusCode, 304, url);
  }
  const size = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  t.ok(size < 60 * 1024, `${size} bytes`);
});

t.test(
  'the page has no address of others, and nothing inline that its policy forbids',
  async (t) => {
    for (const { name, bytes } of files) {
      t.notMatch(bytes.toString(), /https?:\/\/|\sstyle="|\son\w+="|innerHTML/, name);
    }
  },
);

t.test('a problem with any field has its place on it', async (t) => {
  const { body } = await app.inject({ url: '/', headers: { accept } });
  const places = [...body.matchAll(/data-field="([^"]*)"/g)].flatMap(([, names = '']) =>
    names.split(' '),
  );
  const { paths } = parse((await app.inject('/openapi.yaml')).body) as Described;
  for (const path of ['/stylize', '/styles']) {
    const form = paths[path]?.post.requestBody.content['multipart/form-data'].schema;
    const fields = Object.keys(form?.properties ?? {});
    t.ok(fields.length > 3);
    for (const field of fields.filter((name) => !notSent.has(name))) {
      t.ok(places.includes(field), field);
    }
  }
});

t.test('nothing but its own files is served', async (t) => {
  for (const path of ['', 'page', 'page/nope.js', 'page/index.html', 'examples/nope.jpg']) {
    t.equal((await app.inject(`/assets/${path}`)).statusCode, 404, path);
  }
  for (const path of ['..%2f..%2fpackage.json', 'page/..%2f..%2fserver.js', 'page/main.js%00']) {
    t.equal((await app.inject(`/assets/${path}`)).statusCode, 404, path);
  }
});

t.test('below a base path its links begin there', async (t) => {
  const below = await build(t, { ADAIN_BASE_PATH: '/art/paint' }, parts);
  for (const url of ['/art/paint', '/art/paint/', '/']) {
    const { body } = await below.inject({ url, headers: { accept } });
    t.match(body, '<base href="/art/paint/" />');
    t.equal(body.indexOf('<base') < body.indexOf('href="assets'), true, 'before the first link');
  }
  const { links } = (await below.inject('/')).json<{ links: Record<string, string> }>();
  for (const link of Object.values(links)) t.match(link, /^\/art\/paint\//);
});
