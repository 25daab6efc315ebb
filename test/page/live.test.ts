/** The webcam in Chromium, on the real model. Its picture is red on the left, and blue on the right. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page, Route } from 'playwright-core';
import sharp, { type Sharp } from 'sharp';
import t, { type Test } from 'tap';

import { photo } from '../support/app.ts';
import { skip } from '../support/chromium.ts';
import {
  choose,
  countUrls,
  fewPresets,
  painted,
  seriousFindings,
  serve,
  sheetDone,
  type Sent,
} from './visit.ts';

const [width, height] = [640, 480];
const visit = await serve(t, fewPresets(t));
const device = '--use-fake-device-for-media-stream';
const allowed = '--use-fake-ui-for-media-stream';
const file = join(t.testdir(), 'webcam.y4m');
writeFileSync(file, y4m());
const camera = [device, allowed, `--use-file-for-fake-video-capture=${file}`];

/** The page, after its webcam has been begun. */
async function watch(t: Test, fragment = '#styles=mosaic', isServed = true) {
  const visited = await visit(t, fragment, ...camera);
  const { page } = visited;
  const held: Route[] = [];
  if (!isServed) await page.route('**/stylize', (route) => void held.push(route));
  // Frames are asked for in their order, even where an earlier one takes longer to be made a file.
  await page.evaluate(`{
    const { convertToBlob } = OffscreenCanvas.prototype;
    let last;
    OffscreenCanvas.prototype.convertToBlob = function (options) {
      const [before, own] = [last, convertToBlob.call(this, options)];
      return (last = Promise.resolve(before).then(() => own));
    };
  }`);
  await page.click('#live');
  await page.waitForSelector('.is-live');
  /** The request after so many others. */
  const route = async (at: number): Promise<Route> => {
    while (!held[at]) await page.waitForTimeout(10);
    return held[at];
  };
  return { ...visited, held, route };
}

t.test('frames come painted, two at a time, as mirrors show them', { skip }, async (t) => {
  const { page, forms, form, complaints, most } = await watch(t, '');
  const urls = await countUrls(page);
  await page.waitForSelector(
    '#timing:text-matches("^[0-9.]+ frames a second, (256 × 192|384 × 288);")',
  );
  while (forms.length < 15) await page.waitForTimeout(20);
  t.ok(most() <= 2);
  t.same(await urls(), 0, 'frames are no object URLs');
  const [first] = await page.$$eval('#tiles li', (tiles) =>
    tiles.map(({ dataset }) => (dataset as Record<string, string>)['style']),
  );
  for (const sent of forms) {
    t.match(sent, { styleId: [first], format: ['jpeg'], strokes: ['auto'], size: undefined });
    const metadata = await sharp(sent['content']?.[0]).metadata();
    t.ok([256, 384].includes(metadata.width), `${metadata.width}`);
    t.equal(metadata.height / metadata.width, height / width);
  }
  t.same(await sides(forms[0]), ['blue', 'red'], 'mirrored');
  t.ok(await page.$('#video.mirrored'));
  t.equal(await page.getAttribute('#tiles [aria-pressed=true]', 'aria-pressed'), 'true');

  const changes: [field: string, value: string, act: () => Promise<unknown>][] = [
    ['styleId', 'ink-wash', () => page.click('[data-style=ink-wash] .pick')],
    ['color', 'content', () => page.check('input[value=content]')],
    ['strokes', '2', () => page.fill('#strokes', '1')],
    ['alpha', '0.5', () => page.fill('[aria-label="Strength of Ink wash"]', '50')],
  ];
  for (const [field, value, act] of changes) {
    await act();
    const at = forms.length;
    while (forms.length < at + 4) await page.waitForTimeout(20);
    t.same(forms.at(-1)?.[field], [value], `${field}, a frame later`);
  }
  const masked = form(({ mask }) => mask?.length === 1);
  await page.click('#mask-toggle');
  await page.click('#mask-invert');
  t.same(await grey((await masked)['mask']?.[0]), 0);
  await page.click('#mask-toggle');

  await page.click('#still');
  await sheetDone(page);
  await painted(page);
  const still = forms.at(-1);
  t.ok(await page.$('body:not(.is-live)'));
  const whole = forms.filter(({ size }) => !size).at(-1);
  t.match(await sharp(whole?.['content']?.[0]).metadata(), { width, height });
  t.same(await sides(whole), ['red', 'blue'], 'a still is as others see it');
  t.equal(await tracks(page), 'ended');
  await page.waitForTimeout(300);
  t.equal(forms.at(-1), still, 'no more frames');
  t.same(complaints, []);
});

t.test('an answer that a newer one has overtaken is dropped', { skip }, async (t) => {
  const { page, held, route, complaints } = await watch(t, undefined, false);
  await route(1);
  await page.waitForTimeout(200);
  t.equal(held.length, 2, 'a third waits for one of two');
  const [older, newer] = [await route(0), await route(1)];
  await newer.fulfill(await picture('green'));
  await route(2);
  t.equal(await shown(page), 'green');
  await older.fulfill(await picture('red'));
  await route(3);
  t.equal(await shown(page), 'green');
  await (await route(2)).fulfill(await picture('blue'));
  await route(4);
  t.equal(await shown(page), 'blue');
  t.same(complaints, []);
});

t.test('a service that is busy is asked with a newer frame', { skip }, async (t) => {
  const { page, route } = await watch(t, undefined, false);
  await (
    await route(0)
  ).fulfill({
    status: 503,
    headers: { 'retry-after': '1' },
    contentType: 'application/problem+json',
    body: JSON.stringify({ title: 'Overloaded', status: 503, detail: 'Come back.' }),
  });
  await page.locator('#status', { hasText: 'Overloaded. It is tried again in 1 s.' }).waitFor();
  await (await route(1)).abort('connectionrefused');
  await page.locator('#status', { hasText: 'The service does not answer.' }).waitFor();
  const next = await route(2);
  await next.fulfill(await picture('green'));
  await page.waitForSelector('#status:empty', { state: 'attached' });
  t.equal(await shown(page), 'green');
});

t.test(
  'a service that is busy for longer than a frame waits is left alone',
  { skip },
  async (t) => {
    const { page, held, route } = await watch(t, undefined, false);
    for (const [at, status] of [503, 429].entries()) {
      const body = JSON.stringify({ title: 'Overloaded', status, detail: 'Come back.' });
      const headers = { 'retry-after': '60' };
      const contentType = 'application/problem+json';
      await (await route(at)).fulfill({ status, headers, contentType, body });
    }
    await page
      .locator('#status:not(.wrong)', { hasText: 'Overloaded. It is tried again in 60 s.' })
      .waitFor();
    await page.waitForTimeout(2500); // other failures are over by then
    t.equal(held.length, 2);
    t.equal(await page.locator('.error:visible').count(), 0);
  },
);

t.test('what was changed while it was refused is tried', { skip }, async (t) => {
  const { page, route } = await watch(t, '#styles=nobodys', false);
  const body = JSON.stringify({ title: 'No', status: 404, detail: 'No.', field: 'styleId' });
  const refusal = { status: 404, contentType: 'application/problem+json', body };
  const [first, second] = [await route(0), await route(1)];
  await page.click('[data-style=mosaic] .pick');
  await first.fulfill(refusal);
  await second.fulfill(refusal);
  await (await route(2)).fulfill(await picture('green'));
  await route(4);
  t.equal(await shown(page), 'green');
  t.notOk(await page.isVisible('[data-field~=styleId] .error'));
});

t.test('a phone may be turned', { skip }, async (t) => {
  const { page, complaints } = await visit(t, '#styles=mosaic');
  await page.evaluate(`{
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
    const context = canvas.getContext('2d');
    setInterval(() => context.fillRect(0, 0, Math.random() * 640, 480), 30);
    navigator.mediaDevices.getUserMedia = async () => canvas.captureStream();
    globalThis.turn = () => Object.assign(canvas, { width: 480, height: 640 });
  }`);
  await page.click('#live');
  await page.waitForSelector('#timing:text-matches("(256 × 192|384 × 288)")');
  await page.evaluate('turn()');
  await page.waitForSelector('#timing:text-matches("(192 × 256|288 × 384)")');
  const box = await page.locator('#live-view').boundingBox();
  t.ok(Math.abs((box?.width ?? 0) / (box?.height ?? 1) - 3 / 4) < 0.01, 'in proportion');
  t.same(complaints, []);
});

for (const status of [500, 408]) {
  t.test(
    `a failure that may pass, ${status}, is said, and a newer frame is sent`,
    { skip },
    async (t) => {
      const { page, route } = await watch(t, undefined, false);
      const body = JSON.stringify({ title: 'Failed', status, detail: 'Something broke.' });
      const contentType = 'application/problem+json';
      await (await route(0)).fulfill({ status, contentType, body });
      await page.locator('#status.wrong', { hasText: 'Something broke.' }).waitFor();
      await (await route(2)).fulfill(await picture('green'));
      await page.waitForSelector('#status:empty:not(.wrong)', { state: 'attached' });
      t.equal(await shown(page), 'green');
    },
  );
}

t.test('a camera that does not play is let go', { skip }, async (t) => {
  const { page } = await visit(t, '#styles=mosaic', device, allowed);
  await page.evaluate(`HTMLVideoElement.prototype.play = () => Promise.reject(new Error('No.'))`);
  await page.click('#live');
  await page.locator('#start .error', { hasText: 'No.' }).waitFor();
  t.equal(await tracks(page), 'ended');
});

t.test('a photograph that comes before the camera plays is kept', { skip }, async (t) => {
  const { page } = await visit(t, '#styles=mosaic', device, allowed);
  await page.evaluate(`
    HTMLVideoElement.prototype.play = () => new Promise((resolve) => { window.plays = resolve; });
  `);
  await page.click('#live');
  while (!(await page.evaluate<boolean>(`'plays' in window`))) await page.waitForTimeout(10);
  await choose(page, '#choose', 'small.png', await photo(200, 150));
  await painted(page);
  await page.evaluate('window.plays()');
  await page.waitForTimeout(100);
  t.ok(await page.$('body:not(.is-live)'));
  t.ok(await page.isVisible('#after'));
});

t.test('axe finds nothing serious in it, and it is no wider than a phone', { skip }, async (t) => {
  const { page } = await watch(t, '#styles=mosaic,ink-wash,woodcut');
  await page.waitForSelector('#timing:not(:empty)');
  t.same(await seriousFindings(page), []);
  for (const width of [320, 390, 820, 1440]) {
    await page.setViewportSize({ width, height: 800 });
    t.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
  }
});

t.test('what the service refuses is said, and tried when it is changed', { skip }, async (t) => {
  const { page, form } = await watch(t, '#styles=nobodys');
  await page.locator('[data-field~=styleId] .error').waitFor();
  const next = form(({ styleId }) => styleId?.join() === 'mosaic');
  await page.click('[data-style=mosaic] .pick');
  await next;
  await page.locator('[data-field~=styleId] .error').waitFor({ state: 'hidden' });
});

t.test('it stops while the tab is hidden, camera and all', { skip }, async (t) => {
  const { page, held, route, complaints } = await watch(t, undefined, false);
  await route(1);
  const aborted = page.waitForEvent('requestfailed');
  await hide(page, true);
  t.equal((await aborted).failure()?.errorText, 'net::ERR_ABORTED');
  t.equal(await tracks(page), 'ended');
  await page.waitForTimeout(300);
  t.equal(held.length, 2);
  await hide(page, false);
  await (await route(2)).fulfill(await picture('green'));
  await route(4);
  t.equal(await shown(page), 'green');
  t.equal(await tracks(page), 'live');
  await page.click('#stop');
  t.equal(await tracks(page), 'ended');
  t.ok(await page.isVisible('#start'));
  t.notOk(await page.isVisible('#work'));
  t.same(complaints, []);
});

t.test('after it one works on with the photograph from before', { skip }, async (t) => {
  const { page, form } = await watch(t);
  const mask = async (key?: string) => {
    const masked = form(({ mask }) => mask !== undefined);
    await page.click('#mask-toggle');
    if (key) for (let presses = 0; presses < 3; presses++) await page.press('#mask', key);
    await page.press('#mask', 'Space');
    return masked;
  };
  const ofCamera = await mask();
  await page.click('#another');
  await choose(page, '#choose', 'small.png', await photo(200, 150));
  await painted(page);
  const ofPhotograph = await mask('ArrowLeft');
  await painted(page);
  await page.click('#another');
  const again = form(({ format }) => format?.join() === 'jpeg');
  await page.click('#live');
  await page.waitForSelector('.is-live');
  t.same((await again)['mask'], ofCamera['mask'], 'the webcam has its mask again');
  const bytes = ({ content }: Sent) => content?.[0]?.toString('latin1');
  const next = form((sent) => !sent['size'] && bytes(sent) === bytes(ofPhotograph));
  await page.click('#stop');
  t.same((await next)['mask'], ofPhotograph['mask'], 'and the photograph its own');
  await painted(page);
  t.ok(await page.isVisible('#after'));
});

for (const facingMode of ['user', 'environment']) {
  t.test(`a picture that is taken keeps its mask, facing ${facingMode}`, { skip }, async (t) => {
    const { page, form, complaints } = await visit(t, '#styles=mosaic', ...camera);
    await page.evaluate(`
      MediaStreamTrack.prototype.getSettings = () => ({ facingMode: '${facingMode}' });
    `);
    await page.click('#live');
    await page.waitForSelector('.is-live');
    const masked = form(({ mask }) => mask !== undefined);
    await page.click('#mask-toggle');
    for (let presses = 0; presses < 5; presses++) await page.press('#mask', 'ArrowLeft');
    await page.press('#mask', 'Space');
    const pixels = (picture: Sharp) => picture.greyscale().raw().toBuffer();
    const live = sharp((await masked)['mask']?.[0]);
    const next = form(({ format }) => !format);
    await page.click('#still');
    const { mask = [] } = await next;
    t.equal(mask.length, 1);
    const expected = await pixels(facingMode === 'user' ? live.flop() : live);
    t.ok(expected.equals(await pixels(sharp(mask[0]))), 'over the same');
    await painted(page);
    t.same(complaints, []);
  });
}

const refusals: [title: string, words: RegExp, args: string[]][] = [
  ['who denies it', /Allow it beside the address/, [device, `${allowed}=deny`]],
  ['who has no camera', /no camera/, [allowed]],
];
for (const [title, words, args] of refusals) {
  t.test(`${title} is told at the control`, { skip }, async (t) => {
    const { page, forms, complaints } = await visit(t, '#styles=mosaic', ...args);
    await page.click('#live');
    const error = page.locator('#start .error');
    await error.waitFor();
    t.match(await error.textContent(), words);
    t.equal(await error.getAttribute('role'), 'alert');
    t.same(forms, []);
    await page.click('[data-example=lake]'); // and goes on with a photograph
    await painted(page);
    t.same(complaints, []);
  });
}

t.test('plain HTTP from another machine: it is said that there is none', { skip }, async (t) => {
  const { page, url } = await visit(t, '', '--host-resolver-rules=MAP painter.test 127.0.0.1');
  t.notOk(await page.isVisible('#live-hint'));
  await page.goto(url.replace('127.0.0.1', 'painter.test'));
  await page.locator('#live-hint', { hasText: 'https and localhost' }).waitFor();
  t.ok(await page.isDisabled('#live'));
});

function y4m(): string | Buffer {
  const row = (left: number, right: number, length: number) =>
    Buffer.concat([Buffer.alloc(length / 2, left), Buffer.alloc(length / 2, right)]);
  const rows = (count: number, one: Buffer) => Array.from({ length: count }, () => one);
  const planes = [
    ...rows(height, row(81, 41, width)),
    ...rows(height / 2, row(90, 240, width / 2)),
    ...rows(height / 2, row(240, 110, width / 2)),
  ];
  const frame = Buffer.concat([Buffer.from('FRAME\n'), ...planes]);
  const head = `YUV4MPEG2 W${width} H${height} F30:1 Ip A1:1 C420\n`;
  return Buffer.concat([Buffer.from(head), frame, frame]);
}

const hue = ([red = 0, green = 0, blue = 0]: Iterable<number>): string =>
  red > green && red > blue ? 'red' : green > blue ? 'green' : 'blue';

/** What is left and right in the content of a form. */
async function sides(form: Sent | undefined): Promise<string[]> {
  const { data, info } = await sharp(form?.['content']?.[0])
    .resize(4, 3)
    .raw()
    .toBuffer({ resolveWithObject: true });
  const at = (x: number) => data.subarray(x * info.channels, (x + 1) * info.channels);
  return [hue(at(0)), hue(at(3))];
}

const grey = async (picture: string | Buffer | undefined) =>
  (await sharp(picture).stats()).channels[0]?.mean;

async function picture(background: string) {
  const create = { width: 32, height: 24, channels: 3, background } as const;
  const body = await sharp({ create }).jpeg().toBuffer();
  return { contentType: 'image/jpeg', body };
}

/** The colour of the painting. */
const shown = async (page: Page) =>
  hue(
    await page.evaluate<number[]>(`{
      const context = new OffscreenCanvas(1, 1).getContext('2d');
      context.drawImage(document.querySelector('#live-view'), 0, 0, 1, 1);
      [...context.getImageData(0, 0, 1, 1).data];
    }`),
  );

const tracks = (page: Page) =>
  page.evaluate<string>(`document.querySelector('#video').srcObject.getTracks()[0].readyState`);

const hide = (page: Page, isHidden: boolean) =>
  page.evaluate(`
    Object.defineProperty(document, 'hidden', { value: ${String(isHidden)}, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  `);
