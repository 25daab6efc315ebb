import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

import { licensesOf, notices, packagesIn } from '../../docker/notices/index.ts';
import { readText, readYaml, root } from './files.ts';

interface Lock {
  packages: Record<string, { dev?: boolean; license?: string; version: string }>;
}
const lock = readYaml('package-lock.json') as Lock;
/** What `npm ci --omit=dev` installs, on any platform. */
const running = Object.entries(lock.packages).filter(([path, { dev }]) => path && !dev);
const paths = new Set(running.map(([path]) => root(path)));
const packages = packagesIn(root('node_modules')).filter(({ folder }) => paths.has(folder));

t.test('every package that runs is named with its licence and the text of it', async (t) => {
  const here = running.filter(([path]) => existsSync(root(path)));
  t.equal(packages.length, here.length, 'all that are installed');
  const text = notices(packages, [root('LICENSE')]);
  for (const { name, version, license } of packages) {
    t.match(text, `\n${name} ${version} (${license})\n`);
  }
  t.match(text, /\| libvips +\| LGPLv3/);
  t.match(text, /\| cairo +\| Mozilla Public License 1\.1/);
  t.match(text, 'GNU LESSER GENERAL PUBLIC LICENSE');
  t.match(text, 'GNU GENERAL PUBLIC LICENSE');
  t.match(text, 'MOZILLA PUBLIC LICENSE');
  t.match(text, 'https://github.com/lovell/sharp-libvips/tree/v');
  t.match(text, 'THIRD PARTY SOFTWARE NOTICES AND INFORMATION', "onnxruntime's own");
});

t.test("the image's label names these licences, and our own two", async (t) => {
  const found = new Set(running.flatMap(([, { license = '' }]) => licensesOf(license)));
  const label = ['MIT', ...[...found.add('CC0-1.0')].filter((one) => one !== 'MIT').sort(compare)];
  const told = [...readText('Dockerfile').matchAll(/image\.licenses="(.*)"/g)].map(
    ([, text]) => text,
  );
  t.same(told, [label.join(' AND '), label.join(' AND ')]);
});
const compare = (a: string, b: string) => a.localeCompare(b, 'en');

t.test('a licence whose text is nowhere stops the build', async (t) => {
  const folder = t.testdir({});
  const odd = { folder, name: 'odd', version: '1.0.0', license: 'WTFPL', author: '', home: '' };
  t.throws(() => notices([odd], []), /odd has no text of its license, WTFPL/);
  const newer = { ...odd, name: 'onnxruntime-node', version: '99.0.0', license: 'MIT' };
  t.throws(() => notices([newer], []), /onnxruntime\.txt is not of version 99\.0\.0/);
  t.match(packagesIn(join(folder, 'node_modules')), []);
});
