/** Takes the README's picture of the page, with the examples that come with it. */
import { writeFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';
import sharp from 'sharp';

import { buildApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { root } from '../docker/files.ts';
import { executablePath } from '../support/chromium.ts';
import { pick, sheetDone } from './visit.ts';

/** In bytes: READMEs are read over slow lines too. */
const most = 150 * 1024;

const app = await buildApp(readConfig({ LOG_LEVEL: 'warn' }));
await app.warmUp();
const url = await app.listen({ port: 0, host: '127.0.0.1' });
const browser = await chromium.launch({
  executablePath: executablePath ?? '',
  args: ['--no-sandbox'],
});
const page = await browser.newPage({
  viewport: { width: 1280, height: 1020 },
  reducedMotion: 'reduce', // it is where it is scrolled to at once
});
await page.goto(url);
await page.click('[data-example=lake]');
await sheetDone(page);
await pick(page, 'great-wave');
await page.fill('#divider', '38');
await page.mouse.move(0, 0);
await page.evaluate(() => {
  (globalThis as unknown as { scrollTo(x: number, y: number): void }).scrollTo(0, 0);
});
const png = await page.screenshot();
await browser.close();
await app.close();

let quality = 85;
let jpeg = await sharp(png).jpeg({ quality, mozjpeg: true }).toBuffer();
while (jpeg.length > most) {
  quality -= 5;
  jpeg = await sharp(png).jpeg({ quality, mozjpeg: true }).toBuffer();
}
await writeFile(root('models/examples/page.jpg'), jpeg);
