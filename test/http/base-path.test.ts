import t from 'tap';
import { parse } from 'yaml';

import { withoutBase } from '../../src/http/base-path.ts';
import { build, form, photo } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';

interface Style {
  links: Record<'self' | 'image' | 'thumbnail', string>;
}

const app = await build(t, { ADAIN_BASE_PATH: '/art/paint' }, { createEngine: fakeEngine() });

t.test('links and servers have the base path, and lead there', async (t) => {
  for (const at of ['', '/art/paint']) {
    const { styles } = (await app.inject(`${at}/styles`)).json<{ styles: Style[] }>();
    const [{ links } = { links: undefined }] = styles;
    for (const link of Object.values(links ?? {})) {
      t.match(link, /^\/art\/paint\/styles\//);
      t.equal((await app.inject(link)).statusCode, 200, 'a proxy may pass it on');
      const stripped = link.slice('/art/paint'.length);
      t.equal((await app.inject(stripped)).statusCode, 200, 'or take it off');
    }
    const one = (await app.inject(links?.self ?? '')).json<Style>();
    t.same(one.links, links);
    const document = parse((await app.inject(`${at}/openapi.yaml`)).body) as object;
    t.match(document, { servers: [{ url: '/art/paint' }] });
  }
  const painting = await form(['content', await photo()], ['styleId', 'mosaic']);
  t.equal((await app.inject({ ...painting, url: '/art/paint/stylize' })).statusCode, 200);
});

t.test('/docs loads what it needs from below it', async (t) => {
  for (const path of ['/docs', '/docs/']) {
    const { body } = await app.inject(path);
    const loaded = [...body.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url = '']) => url);
    t.ok(loaded.length > 3);
    for (const url of loaded) {
      const { pathname } = new URL(url, `http://a/art/paint${path}`);
      t.match(pathname, /^\/art\/paint\/docs\/static\//);
      t.equal((await app.inject(pathname)).statusCode, 200, pathname);
    }
  }
  const { headers } = await app.inject('/docs/static/index.html');
  t.equal(headers.location, '/art/paint/docs/');
});

t.test('only whole segments are the base path', async (t) => {
  for (const [url, known] of [
    ['/art', '/'],
    ['/art/', '/'],
    ['/art?a=b', '/?a=b'],
    ['/art/styles?a', '/styles?a'],
    ['/artist', '/artist'],
    ['/styles', '/styles'],
    ['*', '*'],
    ['http://a:80/art/styles?a', '/styles?a'],
    ['HTTPS://a/styles', '/styles'],
    ['http://a', '/'],
    ['http://a?b', '/?b'],
    ['/http://a/art', '/http://a/art'],
  ] as const) {
    t.equal(withoutBase(url, '/art'), known);
  }
  for (const url of ['/', '/styles', '*', '']) t.equal(withoutBase(url, ''), url || '/');
});
