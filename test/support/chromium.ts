import { existsSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';
import type { Test } from 'tap';

export const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);

/** What to give a test that wants Chromium, as `skip`. */
export const skip = executablePath ? false : 'NOT CHECKED: there is no Chromium (apt: chromium)';
if (skip) process.stderr.write(`\n${skip}\n\n`);

/** On a busy machine a painting takes longer than the 30 s that playwright waits by itself. */
const timeout = 300_000;

/** A page of a browser that is closed when the test ends. */
export async function newPage(t: Test, ...more: string[]): Promise<Page> {
  const args = ['--no-sandbox', ...more]; // root may not have one, and the pages are ours
  const browser = await chromium.launch({ executablePath: executablePath ?? '', args, timeout });
  t.teardown(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(timeout);
  return page;
}
