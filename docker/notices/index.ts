/**
 * THIRD-PARTY-NOTICES of an image: what runs in it beside our own code, under which licence, and the
 * texts of the licences. The image's build calls `node docker/notices/index.ts FILE...`, in the
 * folder of node_modules; FILEs are notices that the base image has of Node and others.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Package {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  /** An SPDX expression. */
  readonly license: string;
  readonly author: string;
  readonly home: string;
}

const here = fileURLToPath(new URL('.', import.meta.url));

/** Texts of our own for packages that bring none: files beside this one, by the licence's name. */
const texts: Readonly<Record<string, readonly string[]>> = {
  'Apache-2.0': ['Apache-2.0'],
  'BSD-3-Clause': ['BSD-3-Clause'],
  // That of the LGPL adds to that of the GPL; cairo in libvips is under the MPL.
  'LGPL-3.0-or-later': ['LGPL-3.0', 'GPL-3.0', 'MPL-1.1'],
  MIT: ['MIT'],
};

/** All packages below a node_modules folder, by name. */
export function packagesIn(nodeModules: string): Package[] {
  const found = folders(nodeModules).flatMap((folder) => {
    const { name, version, license, author, homepage, repository } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    ) as Record<string, unknown> & { name: string; version: string; license: string };
    const home = homepage ?? textOf(repository, 'url');
    const own = { folder, name, version, license, author: textOf(author, 'name') };
    return { ...own, home: typeof home === 'string' ? home : '' };
  });
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What npm writes as a text or as an object with a text in it. */
function textOf(value: unknown, key: string): string {
  const text =
    typeof value === 'object' && value !== null && key in value ? value : { [key]: value };
  const found = (text as Record<string, unknown>)[key];
  return typeof found === 'string' ? found : '';
}

function folders(nodeModules: string): string[] {
  if (!existsSync(nodeModules)) return [];
  const names = readdirSync(nodeModules).filter((name) => !name.startsWith('.'));
  return names.flatMap((name) => {
    const folder = join(nodeModules, name);
    if (name.startsWith('@')) return folders(folder);
    return [folder, ...folders(join(folder, 'node_modules'))];
  });
}

/** The licences of an SPDX expression; of two to choose from the first. */
export function licensesOf(expression: string): string[] {
  return expression
    .replaceAll(/[()]/g, '')
    .split(' AND ')
    .map((choice) => choice.split(' OR ')[0] ?? '');
}

/** @throws Error that names a package whose licence's text is nowhere to be had */
export function notices(packages: readonly Package[], others: readonly string[]): string {
  const general = new Set<string>();
  const sections = packages.map((one) => {
    const own = ownTexts(one);
    const isLibvips = one.license.startsWith('LGPL'); // its readme names licences, without texts
    const unsaid = own.length > 0 && !isLibvips ? [] : licensesOf(one.license);
    const names = unsaid.flatMap((license) => {
      const known = texts[license];
      if (known) return known;
      throw new Error(`${one.name} has no text of its license, ${license}: add it to ${here}`);
    });
    for (const name of names) general.add(name);
    const by = one.author ? `Copyright: ${one.author}\n` : '';
    const pointer = names.length > 0 ? `See below: ${names.join(', ')}\n` : '';
    return `${one.name} ${one.version} (${one.license})\n${one.home}\n${by}${pointer}\n${own.join('\n')}`;
  });
  const generalTexts = [...general].map((name) => `${name}\n\n${read(join(here, `${name}.txt`))}`);
  const notes = others.map((path) => `${path}\n\n${read(path)}`);
  const rule = `\n${'='.repeat(80)}\n`;
  const head =
    'What runs in this image beside adain-server itself, which is under the MIT licence. The base\nimage has its own under /usr/share/doc.\n';
  return [head, ...sections, ...generalTexts, ...notes].join(rule);
}

function ownTexts({ folder, name, version }: Package): string[] {
  if (name.startsWith('onnxruntime-')) {
    const text = read(join(here, 'onnxruntime.txt'));
    if (text.startsWith(`onnxruntime ${version}:`)) return name.endsWith('-node') ? [text] : [];
    throw new Error(`${here}onnxruntime.txt is not of version ${version}: take that one's notices`);
  }
  const files = readdirSync(folder).filter((file) =>
    /^(licen[cs]e|copying|notice|third.?party)/i.test(file),
  );
  // Its readme lists the libraries in libvips with the licence of each.
  if (name.startsWith('@img/sharp-libvips-')) {
    const source = `Shared libraries, to be replaced by others if you like. Source: https://github.com/lovell/sharp-libvips/tree/v${version}\n`;
    return [source, ...['README.md', 'versions.json'].map((file) => read(join(folder, file)))];
  }
  return files.map((file) => read(join(folder, file)));
}

const read = (path: string): string => readFileSync(path, 'utf8');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const others = process.argv.slice(2).filter((path) => {
    if (!existsSync(path)) process.stderr.write(`The base image has no ${path}.\n`);
    return existsSync(path);
  });
  process.stdout.write(notices(packagesIn('node_modules'), others));
}
