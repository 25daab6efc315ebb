import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

import { places, setVersion } from '../../docker/set-version.ts';
import { version } from '../../src/version.ts';
import { readText, readYaml, root } from './files.ts';

const remedy = 'if not: npm run version:set';

interface Kustomization {
  images?: { newTag: string }[];
}
interface Compose {
  services: { 'adain-server': { image: string } };
}

t.test(`package, image, manifests and API have one version (${remedy})`, async (t) => {
  const lock = readYaml('package-lock.json') as {
    version: string;
    packages: { '': { version: string } };
  };
  t.same([lock.version, lock.packages[''].version], [version, version], 'package-lock.json');
  const labels = [...readText('Dockerfile').matchAll(/image\.version="(.*?)"/g)];
  t.same(
    labels.map(([, value]) => value),
    [version, version],
    'Dockerfile',
  );
  const { info } = readYaml('openapi.yaml') as { info: { version: string } };
  t.equal(info.version, version, 'openapi.yaml');

  const suffixOf = (file: string) => (file.includes('gpu') ? '-cuda' : '');
  for (const file of ['docker/compose.yaml', 'docker/compose.gpu.yaml']) {
    const { image } = (readYaml(file) as Compose).services['adain-server'];
    t.equal(image, `adain-server:${version}${suffixOf(file)}`, file);
  }
  const folder = 'docker/kubernetes';
  const tags = readdirSync(root(folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('kustomization.yaml'))
    .flatMap((path) =>
      ((readYaml(join(folder, path)) as Kustomization).images ?? []).map(
        ({ newTag }) => [path, newTag] as const,
      ),
    );
  t.equal(tags.length, 3, 'the job and two overlays');
  for (const [path, tag] of tags) t.equal(tag, version + suffixOf(path), path);
});

t.test('the changelog begins with this version', async (t) => {
  const newest = /^## (.*) - \d{4}-\d\d-\d\d$/m.exec(readText('CHANGELOG.md'));
  t.equal(newest?.[1], version);
});

t.test('version:set writes it everywhere, and nothing else', async (t) => {
  const folder = t.testdir();
  for (const [file] of places) cpSync(root(file), join(folder, file));
  setVersion(folder, '98.76.54');
  for (const [file, , times] of places) {
    const text = readFileSync(join(folder, file), 'utf8');
    t.equal(text.split('98.76.54').length - 1, times, file);
  }
  setVersion(folder, version);
  for (const [file] of places) {
    t.equal(readFileSync(join(folder, file), 'utf8'), readText(file), `${file}, back again`);
  }
});

t.test('version:set refuses what is no version, and a file that has lost its own', async (t) => {
  const folder = t.testdir({ 'package.json': '{}' });
  t.throws(() => {
    setVersion(folder, 'v1');
  }, /"v1" is no version/);
  t.throws(() => {
    setVersion(folder, '1.2.3');
  }, /package.json has the version 0 times, not 1/);
});
