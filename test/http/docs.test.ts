import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';

import { build, photo } from '../support/app.ts';
import { newPage, skip } from '../support/chromium.ts';
import { fakeEngine } from '../support/fake-engine.ts';

interface Visit {
  readonly page: Page;
  /** What went wrong in the page, and what it asked of others than the service. */
  readonly complaints: readonly string[];
}

/** Opens /docs, and the form of POST /stylize in it. */
async function visit(t: Test): Promise<Visit> {
  const app = await build(t, {}, { createEngine: fakeEngine() });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const page = await newPage(t);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('request', (request) => {
    const [target] = request.url().split('?');
    const own = ['', 'blob:'].some((scheme) => target?.startsWith(scheme + url));
    if (!own && !target?.startsWith('data:')) complaints.push(`it asks for ${target}`);
  });
  await page.goto(`${url}/docs`);
  t.equal(await page.title(), 'adain-server');
  await page.click('#operations-stylization-stylize .opblock-summary-control');
  return { page, complaints };
}

const field = (name: string) => `tr[data-property-name="${name}"]`;

/** Presses Execute. */
async function execute(page: Page) {
  await page.click('.btn.execute');
  await page.waitForSelector('.live-responses-table tbody .response-col_status');
  return {
    status: parseInt(await page.innerText('.live-responses-table tbody .response-col_status')),
    picture: () =>
      page.$eval('.live-responses-table img', async (element) => {
        const image = element as unknown as { decode(): Promise<void>; naturalWidth: number };
        await image.decode();
        return image.naturalWidth;
      }),
  };
}

t.test('/docs: choose a file, Execute, see a picture', { skip }, async (t) => {
  const { page, complaints } = await visit(t);
  await page.setInputFiles(`${field('content')} input[type=file]`, {
    name: 'photo.png',
    mimeType: 'image/png',
    buffer: await photo(80, 60),
  });
  const { status, picture } = await execute(page);
  t.equal(status, 200);
  t.equal(await picture(), 512, 'of the size that was filled in');
  t.same(complaints, []);
});

t.test('/docs: a style of one’s own has its place to be chosen', { skip }, async (t) => {
  const { page, complaints } = await visit(t);
  const buffer = await photo(80, 60);
  for (const name of ['content', 'style']) {
    const file = { name: `${name}.png`, mimeType: 'image/png', buffer };
    await page.setInputFiles(`${field(name)} input[type=file]`, file);
  }
  await page.fill(`${field('size')} input[type=text]`, '32');
  await page.fill(`${field('styleId')} input[type=text]`, '');
  const { status, picture } = await execute(page);
  t.equal(status, 200);
  t.equal(await picture(), 32);
  t.same(complaints, []);
});

t.test('/docs loads and runs nothing but its own', async (t) => {
  const app = await build(t, {}, { createEngine: fakeEngine() });
  for (const path of ['/docs', '/docs/json', '/docs/static/swagger-ui-bundle.js']) {
    const { statusCode, headers } = await app.inject(path);
    t.equal(statusCode, 200, path);
    t.match(headers, {
      'x-content-type-options': 'nosniff',
      'content-security-policy': /default-src 'none'; script-src 'self';.* frame-ancestors 'none'/,
    });
  }
  const { headers } = await app.inject('/docs/static/theme/favicon.svg');
  t.equal(headers['content-type'], 'image/svg+xml');
  t.equal((await app.inject('/styles')).headers['content-security-policy'], undefined);
});
