/** What comes late, twice or not at all: the page in Chromium. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import t from 'tap';

import { photo } from '../support/app.ts';
import { skip } from '../support/chromium.ts';
import { fakeEngine } from '../support/fake-engine.ts';
import { choose, drop, fewPresets, hold, painted, pick, serve, sheetDone, until } from './visit.ts';

const visit = await serve(t, fewPresets(t), { createEngine: fakeEngine() });
const small = await photo(200, 150);
const wide = await photo(900, 300);
const ofWidth = (page: Page, width: number) =>
  until(page, `document.querySelector('#before').naturalWidth === ${width}`);

const refusal = (status: number, field?: string) => ({
  status,
  contentType: 'application/problem+json',
  body: JSON.stringify({ title: 'Wrong', status, detail: 'This is wrong.', field }),
});

t.test('what is chosen after it is kept, however late an example comes', { skip }, async (t) => {
  const { page, complaints } = await visit(t, '#styles=mosaic');
  const route = await hold(page, '**/examples/lake.jpg');
  await page.click('[data-example=lake]');
  const lake = await route(0);
  await choose(page, '#choose', 'small.png', small);
  await ofWidth(page, 200);
  const answered = page.waitForResponse('**/examples/lake.jpg');
  await lake.continue();
  await (await answered).finished();
  await page.waitForTimeout(300);
  await ofWidth(page, 200);
  t.same(complaints, []);
});

t.test('a photograph may come before the list of styles', { skip }, async (t) => {
  const { page, url, complaints } = await visit(t);
  const route = await hold(page, '**/styles?kind=preset*', 1);
  await page.goto('about:blank');
  await page.goto(`${url}/#styles=mosaic`);
  const list = await route(0);
  await choose(page, '#choose', 'small.png', small);
  await page.locator('#status', { hasText: 'Painted as mosaic.' }).waitFor();
  await list.continue();
  await page.locator('#status', { hasText: 'Painted as Mosaic.' }).waitFor();
  await sheetDone(page);
  await page.waitForSelector('[data-style=mosaic] [aria-pressed=true]');
  t.same(complaints, []);
});

t.test('a refusal of what was chosen before is not shown', { skip }, async (t) => {
  const { page } = await visit(t, '#styles=mosaic');
  const route = await hold(page, '**/stylize', 1);
  await choose(page, '#choose', 'text.jpeg', Buffer.from('no picture at all'));
  const asked = await route(0);
  await choose(page, '#choose', 'small.png', small);
  await painted(page);
  await asked.fulfill(refusal(415, 'content'));
  await page.waitForTimeout(300);
  t.match(await page.textContent('#status'), 'Painted as Mosaic.');
});

t.test('at the beginning all that is wrong can be seen', { skip }, async (t) => {
  const { page } = await visit(t);
  const error = page.locator('#start .error');
  const said = (hasText: string) => page.locator('#start .error:visible', { hasText }).waitFor();
  await page.route('**/examples/lake.jpg', (route) => route.abort('connectionrefused'));
  await page.click('[data-example=lake]');
  await said('Try again, or choose your own.');
  t.equal(await error.getAttribute('role'), 'alert');

  await page.evaluate(`globalThis.createImageBitmap = () => Promise.reject(new Error('No.'))`);
  await choose(page, '#choose', 'small.png', small);
  await said('This browser cannot show the picture. Choose a JPEG, PNG or WebP.');

  await page.route('**/styles?*', (route) => route.fulfill(refusal(500)));
  await page.reload();
  await said('This is wrong.');
});

t.test('a file that is gone is painted on, and cannot be chosen anew', { skip }, async (t) => {
  const { page, complaints } = await visit(t, '#styles=mosaic');
  const [content, style] = ['small.png', 'own.png'].map((name) => join(t.testdir({}), name)) as [
    string,
    string,
  ];
  writeFileSync(content, small);
  writeFileSync(style, await photo(64, 64, 5));
  await page.setInputFiles('#choose', content);
  await page.setInputFiles('#own-style', style);
  await page.locator('#status', { hasText: 'Painted as Mosaic and own.' }).waitFor();
  await sheetDone(page);
  writeFileSync(content, wide); // saved anew
  rmSync(style);
  await page.click('[data-style=woodcut] .add');
  await page.locator('#status', { hasText: 'Painted as Mosaic, own, and Woodcut.' }).waitFor();
  t.same(complaints, []);

  await page.evaluate(`
    File.prototype.arrayBuffer = () => Promise.reject(new DOMException('', 'NotFoundError'));
  `);
  await choose(page, '#own-style', 'own.png', small);
  await page
    .locator('[data-field~=style] .error', { hasText: 'own.png cannot be read.' })
    .waitFor();
  await page.click('#another');
  await choose(page, '#choose', 'small.png', small);
  await page.locator('#start .error', { hasText: 'small.png cannot be read.' }).waitFor();
});

t.test('one picture is painted for all who wait for it', { skip }, async (t) => {
  const { page, forms, complaints } = await visit(t, '#styles=mosaic');
  await choose(page, '#choose', 'wide.png', wide);
  await sheetDone(page);
  await painted(page);
  const before = forms.length;
  const route = await hold(page, '**/stylize', 2);
  const download = page.waitForEvent('download');
  await page.click('#download');
  const asked = await route(0);
  await page.click('#zoom');
  await asked.continue();
  t.equal((await download).suggestedFilename(), 'wide-painted.png');
  await page.waitForSelector('#zoom[aria-pressed=true]');
  t.equal(forms.length, before + 1);

  await page.fill('#quality', '50');
  await (await route(1)).continue();
  await page.waitForSelector('#zoom[aria-pressed=false]'); // no preview is 1:1
  t.same(complaints, []);
});

t.test('who cannot copy a picture is told why there is none', { skip }, async (t) => {
  const { page } = await visit(t, '#styles=mosaic');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await choose(page, '#choose', 'wide.png', wide);
  await sheetDone(page);
  await painted(page);
  await page.route('**/stylize', (route) => route.fulfill(refusal(422, 'size')));
  await page.click('#copy');
  await page.locator('[data-field~=size] .error', { hasText: 'This is wrong.' }).waitFor();
  await page.waitForTimeout(200);
  t.ok(await page.isVisible('[data-field~=size] .error'));
  t.equal(await page.textContent('#status'), '', 'nothing is under way');
  await page.unroute('**/stylize');
  await page.click('#copy'); // and it is tried again
  await page.locator('#status', { hasText: 'The picture is copied.' }).waitFor();
});

t.test('a mask with an alpha channel is that channel, as for the service', { skip }, async (t) => {
  const { page, form, complaints } = await visit(t, '#styles=mosaic');
  await choose(page, '#choose', 'small.png', small);
  await sheetDone(page);
  await page.click('#mask-toggle');
  const rgba = Buffer.from([...[255, 255, 255, 0], ...[0, 0, 0, 255]]);
  const mask = await sharp(rgba, { raw: { width: 2, height: 1, channels: 4 } })
    .resize(20, 10, { kernel: 'nearest', fit: 'fill' })
    .png()
    .toBuffer();
  const next = form(({ mask }) => mask?.length === 1);
  await drop(page, '#brush', 'mask.png', mask);
  const sent = (await next)['mask']?.[0] as Buffer;
  const { data, info } = await sharp(sent).raw().toBuffer({ resolveWithObject: true });
  const grey = (x: number) => data[Math.round(x * info.width) * info.channels];
  t.same([grey(0.1), grey(0.9)], [0, 255]);

  const download = page.waitForEvent('download');
  await page.click('#mask-save');
  const saved = await download;
  t.equal(saved.suggestedFilename(), 'mask.png', 'as the code calls it');
  t.same(
    await sharp(await saved.path())
      .raw()
      .toBuffer(),
    data,
  );
  t.same(complaints, []);
});

t.test('a link that is opened in the same tab is followed, and back', { skip }, async (t) => {
  const { page, url, form } = await visit(t, '#styles=mosaic&quality=50');
  await choose(page, '#choose', 'small.png', small);
  await painted(page);
  const next = form(
    ({ styleId, strokes }) => styleId?.join() === 'woodcut' && strokes?.join() === '2',
  );
  await page.goto(`${url}/#styles=woodcut&strokes=2`);
  await next;
  await page.waitForSelector('#chosen .name:text("Woodcut")');
  t.equal(await page.inputValue('#quality'), '85');
  await page.goBack();
  await page.waitForSelector('#chosen .name:text("Mosaic")');
  t.equal(await page.inputValue('#quality'), '50');
});

t.test('a preset that was taken away costs no other its place', { skip }, async (t) => {
  const { page } = await visit(t);
  let asked = 0;
  await page.route('**/stylize', (route) =>
    asked++ === 2 ? route.fulfill(refusal(404, 'styleId')) : route.continue(),
  );
  await choose(page, '#choose', 'small.png', small);
  const over = '#sheet:has(.painted:not([hidden])) #sheet-status:empty';
  await page.waitForSelector(over, { state: 'attached' });
  t.equal(await page.locator('#tiles .painted[hidden]').count(), 1);
});

t.test('who takes a style away by keys goes on beside it', { skip }, async (t) => {
  const { page } = await visit(t, '#styles=mosaic,woodcut,ink-wash');
  await choose(page, '#choose', 'small.png', small);
  await painted(page);
  await page.press('[aria-label="Without Woodcut"]', 'Enter');
  await page.waitForSelector('#chosen :focus');
  await pick(page, 'mosaic');
});
