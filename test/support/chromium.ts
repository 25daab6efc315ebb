import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);

/** Why tests in Chromium do not run; false where they do. */
export const skipWithoutChromium = executablePath
  ? false
  : 'NOT CHECKED: there is no Chromium (apt: chromium)';
if (skipWithoutChromium) process.stderr.write(`\n${skipWithoutChromium}\n\n`);

export function launchChromium(...args: string[]): Promise<Browser> {
  // root may not have a sandbox, and the pages are ours
  return chromium.launch({
    executablePath: executablePath ?? '',
    args: ['--no-sandbox', ...args],
  });
}
