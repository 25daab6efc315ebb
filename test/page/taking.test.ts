/** What is taken along from the page makes the same picture elsewhere. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import t, { type Test } from 'tap';

import { photo } from '../support/app.ts';
import { skip } from '../support/chromium.ts';
import {
  choose,
  countUrls,
  fewPresets,
  painted,
  pick,
  serve,
  sheetDone,
  sheetDoneAnew,
} from './visit.ts';

const visit = await serve(t, fewPresets(t));
const jpeg = await sharp(await photo(900, 120))
  .jpeg()
  .toBuffer();
const own = await photo(64, 64, 5);
const mask = await photo(90, 12, 6);
const settings = '#styles=mosaic&weights=3&strokes=1.5&color=content&size=800&quality=70';

/** The page, where a picture has been painted of every kind of field. */
async function atWork(t: Test) {
  const visited = await visit(t, settings);
  const { page, form } = visited;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await choose(page, '#choose', 'wide.jpeg', jpeg);
  await sheetDone(page);
  const whole = form(({ style, mask }) => style?.length === 1 && mask?.length === 1);
  await choose(page, '#own-style', 'own.png', own);
  await page.click('#mask-toggle');
  await choose(page, '#mask-file', 'mask.png', mask);
  await whole;
  await painted(page);
  await page.click('summary');
  return visited;
}

const copied = (page: Page) => page.evaluate<string>('navigator.clipboard.readText()');

async function downloaded(page: Page): Promise<Buffer> {
  const download = page.waitForEvent('download');
  await page.click('#download');
  return readFileSync(await (await download).path());
}

/** What the forms of the page have had as mask: made by the browser, of the file. */
const maskOf = (forms: readonly { mask?: (string | Buffer)[] }[]) =>
  Buffer.from(forms.at(-1)?.mask?.[0] ?? '');

t.test('the copied curl line makes the same picture', { skip }, async (t) => {
  const { page, forms, complaints } = await atWork(t);
  await page.click('[data-copy=curl]');
  await page.locator('#status', { hasText: 'copied' }).waitFor();
  const line = await copied(page);
  for (const field of ['weights=3,1', 'strokes=1.5', 'color=content', 'size=800', 'quality=70']) {
    t.match(line, ` -F ${field} `);
  }
  const expected = await downloaded(page);
  const cwd = t.testdir({});
  const files = { 'photo.jpg': jpeg, 'style2.jpg': own, 'mask.png': maskOf(forms) };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(cwd, name), bytes);
  await promisify(execFile)('sh', ['-c', line], { cwd });
  t.ok(readFileSync(join(cwd, 'painted.jpg')).equals(expected));
  t.same(complaints, []);
});

t.test('the copied fetch makes the same picture', { skip }, async (t) => {
  const { page, forms, complaints } = await atWork(t);
  await page.click('[data-copy=fetch]');
  await page.locator('#status', { hasText: 'copied' }).waitFor();
  const code = await copied(page);
  const expected = await downloaded(page);
  const blobs = [jpeg, own, maskOf(forms)].map((bytes) => new Blob([new Uint8Array(bytes)]));
  const script = `(async (photo, style2, mask) => { ${code}\n return picture; })`;
  const paint = (0, eval)(script) as (...files: Blob[]) => Promise<Blob>;
  const picture = await paint(...blobs);
  t.ok(Buffer.from(await picture.arrayBuffer()).equals(expected));
  t.same(complaints, []);
});

t.test('the copied link opens with the same settings', { skip }, async (t) => {
  const { page, complaints } = await visit(t, settings);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await choose(page, '#choose', 'wide.jpeg', jpeg);
  await sheetDone(page);
  await pick(page, 'ink-wash');
  await page.fill('#quality', '30');
  await painted(page);
  await page.click('#link');
  await page.locator('#status', { hasText: 'link holds' }).waitFor();
  const [link, code] = [await copied(page), await page.textContent('#curl')];
  await page.goto('about:blank');
  await page.goto(link);
  await choose(page, '#choose', 'wide.jpeg', jpeg);
  await painted(page);
  t.match(code, /styleId=ink-wash .*quality=30 /s);
  t.equal(await page.textContent('#curl'), code);
  t.same(complaints, []);
});

t.test('the copied picture is the one that is downloaded, as PNG', { skip }, async (t) => {
  const { page, complaints } = await atWork(t);
  await page.click('#copy');
  await page.locator('#status', { hasText: 'The picture is copied.' }).waitFor();
  const bytes = await page.evaluate<number[]>(
    `navigator.clipboard.read()
      .then(([item]) => item.getType('image/png'))
      .then((png) => png.arrayBuffer())
      .then((bytes) => [...new Uint8Array(bytes)])`,
  );
  const pixels = (picture: Buffer) => sharp(picture).removeAlpha().raw().toBuffer();
  const [png, expected] = [await pixels(Buffer.from(bytes)), await pixels(await downloaded(page))];
  t.equal(png.length, expected.length);
  // Two decoders of JPEG.
  t.ok(png.every((value, i) => Math.abs(value - (expected[i] ?? 0)) < 8));
  t.same(complaints, []);
});

t.test('pictures that are no longer shown are let go', { skip }, async (t) => {
  const { page } = await atWork(t);
  const urls = await countUrls(page);
  for (const quality of ['20', '30', '40']) {
    await page.fill('#quality', quality);
    await painted(page);
    await page.click('[data-style=woodcut] .add');
    await painted(page);
    await page.click('[aria-label="Without Woodcut"]');
    await painted(page);
  }
  t.equal(await urls(), 0);
  await sheetDoneAnew(page, () => choose(page, '#choose', 'wide.jpeg', jpeg));
  await painted(page);
  t.equal(await urls(), 0);
});
