import { execFileSync, spawnSync } from 'node:child_process';
import t from 'tap';

import { version } from '../../src/version.ts';
import { readText, readYaml, root } from './files.ts';

const path = '.github/workflows/release.yml';
const text = readText(path);
const { jobs } = readYaml(path) as {
  jobs: Record<string, { steps: { uses?: string; with?: Record<string, string> }[] }>;
};
const validate = (...args: string[]) =>
  spawnSync(root('node_modules/.bin/action-validator'), args, { cwd: root('.'), encoding: 'utf8' });

t.test('the workflow follows the schema of workflows, which does refuse', async (t) => {
  const { status, stdout } = validate(path);
  t.equal(status, 0, stdout);
  const folder = t.testdir({ 'wrong.yml': text.replaceAll('runs-on:', 'runs-onn:') });
  const wrong = validate(`${folder}/wrong.yml`);
  t.match(wrong.stdout + wrong.stderr, /runs-on/);
});

t.test('actions are pinned by commit, with the version beside it', async (t) => {
  const used = [...text.matchAll(/uses: (.*)/g)].map(([, action]) => action);
  t.ok(used.length > 5);
  for (const action of used) t.match(action, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

t.test('it builds what the Dockerfile has, with arguments that it takes', async (t) => {
  const dockerfile = readText('Dockerfile');
  const builds = (jobs['release']?.steps ?? []).flatMap((step) =>
    step.uses?.startsWith('docker/build-push-action') ? [step.with ?? {}] : [],
  );
  t.same(
    builds.map(({ target }) => target),
    ['cpu', 'cuda'],
  );
  for (const { target, 'build-args': args = '' } of builds) {
    t.match(dockerfile, new RegExp(`^FROM .* AS ${target}$`, 'm'));
    for (const line of args.trim().split('\n')) {
      t.match(dockerfile, new RegExp(`^ARG ${line.split('=')[0]}=`, 'm'), line);
    }
  }
});

t.test("a version's notes are its part of the changelog, and a must", async (t) => {
  const script = root('docker/release-notes.sh');
  const notes = execFileSync(script, [version], { encoding: 'utf8' });
  t.match(notes, /^### /m);
  t.notMatch(notes, /^## /m);
  t.ok(readText('CHANGELOG.md').includes(notes.trim()));
  const { status, stderr } = spawnSync(script, ['99.0.0'], { encoding: 'utf8' });
  t.equal(status, 1);
  t.match(stderr, 'no notes of version 99.0.0');
});
