import { transform, type Loader } from 'esbuild';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Completes dist/assets, which `tsc -p src/page` has begun: what is no TypeScript, and all of it without
// what only people read, a third of what browsers would load.
const source = fileURLToPath(new URL('page', import.meta.url));
const assets = fileURLToPath(new URL('../dist/assets', import.meta.url));

async function shrink(from: string, to: string, loader: Loader): Promise<void> {
  const options = { loader, minify: true, charset: 'utf8' as const };
  await writeFile(to, (await transform(await readFile(from, 'utf8'), options)).code);
}

for (const name of await readdir(assets, { recursive: true })) {
  const path = join(assets, name);
  if (extname(name) === '.js') await shrink(path, path, 'js');
}
await shrink(join(source, 'page.css'), join(assets, 'page/page.css'), 'css');
const html = await readFile(join(source, 'index.html'), 'utf8');
await writeFile(join(assets, 'page/index.html'), html.replace(/\n +/g, '\n'));
