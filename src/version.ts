import { existsSync, readFileSync } from 'node:fs';

const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');

/** The service's version: package.json's. */
export const { version } = JSON.parse(manifest) as { version: string };

const file = new URL('../revision', import.meta.url);

/** The commit that an image was built from, if its build was told. */
export const revision = existsSync(file) ? readFileSync(file, 'utf8').trim() : 'unknown';
