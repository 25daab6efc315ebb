import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import root, { type Test } from 'tap';

export const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);

/** What to give a test that wants Chromium, as `skip`. */
export const skip = executablePath ? false : 'NOT CHECKED: there is no Chromium (apt: chromium)';
if (skip) process.stderr.write(`\n${skip}\n\n`);

/** On a busy machine a painting takes longer than the 30 s that playwright waits by itself. */
const timeout = 300_000;

/** Those of a file, by their arguments: a start takes as long as many a test. */
const browsers = new Map<string, Promise<Browser>>();

function launch(more: readonly string[]): Promise<Browser> {
  const args = ['--no-sandbox', ...more]; // root may not have one, and the pages are ours
  const browser = chromium.launch({ executablePath: executablePath ?? '', args, timeout });
  root.teardown(async () => (await browser).close());
  return browser;
}

/** A page that shares nothing with those of other tests, and is closed when the test ends. */
export async function newPage(t: Test, ...more: string[]): Promise<Page> {
  const key = more.join(' ');
  const launched = browsers.get(key) ?? launch(more);
  browsers.set(key, launched);
  const browser = await launched;
  const context = await browser.newContext();
  t.teardown(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(timeout);
  return page;
}
