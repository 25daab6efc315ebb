import { execFile } from 'node:child_process';
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';

import { root } from './e2e/server-process.ts';

// Not in test/e2e, which is run on every version of Node: nearly all of it is TypeScript's work.
t.test('npm start, where nothing has been built', async (t) => {
  const clone = t.testdir();
  for (const file of ['package.json', '.npmrc', 'tsconfig.json', 'tsconfig.build.json', 'src']) {
    cpSync(join(root, file), join(clone, file), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  // Without tap's recorder of what runs, which would be loaded into npm and tsc.
  const command = ['NODE_OPTIONS=', 'npm', 'start', '--', '--help'];
  const { stdout } = await promisify(execFile)('env', command, { cwd: clone });
  t.match(stdout, /ADAIN_DEVICE/);
});
