import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Completes dist/assets, which `tsc -p src/page` has begun: what is no TypeScript, and all of it without
// its indentation, a sixth of what browsers would load. No text in it goes over several lines.
const source = fileURLToPath(new URL('page', import.meta.url));
const assets = fileURLToPath(new URL('../dist/assets', import.meta.url));

for (const name of ['index.html', 'page.css']) {
  await copyFile(join(source, name), join(assets, 'page', name));
}
for (const name of await readdir(assets, { recursive: true })) {
  if (!/\.(html|css|js)$/.test(name)) continue;
  const path = join(assets, name);
  await writeFile(path, (await readFile(path, 'utf8')).replace(/^ +/gm, ''));
}
