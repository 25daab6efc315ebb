import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';

import { build, form, photo, recorder } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';

t.test('it starts without own pictures that cannot be described, and says so', async (t) => {
  const folder = t.testdir({});
  const whole = await photo(300, 200);
  await writeFile(join(folder, 'sound.png'), whole);
  await writeFile(join(folder, 'thin.png'), await photo(40, 8));
  await writeFile(join(folder, 'half.png'), whole.subarray(0, whole.length / 2));
  const { logger, lines } = recorder();
  const environment = { ADAIN_PRESETS: 'none', ADAIN_STYLES_DIR: folder };
  const app = await build(t, environment, { createEngine: fakeEngine(), logger });

  const { styles } = (await app.inject('/styles')).json<{ styles: { id: string }[] }>();
  t.same(
    styles.map(({ id }) => id),
    ['sound'],
  );
  const warnings = lines.filter(({ level }) => level === 40).map(({ msg }) => msg);
  t.match(warnings.sort(), [
    /half\.png cannot be used .* without it\.$/,
    /thin\.png cannot be used/,
  ]);
  t.match(
    lines.find(({ msg }) => msg === 'ready to paint'),
    { presets: 1 },
  );

  const content = await photo();
  for (const [id, status] of [
    ['sound', 200],
    ['thin', 404],
  ] as const) {
    const answer = await app.inject(await form(['content', content], ['styleId', id]));
    t.equal(answer.statusCode, status, id);
  }
  t.equal((await app.inject('/styles/thin')).statusCode, 404);
});

t.test('a fault of the engine is no fault of a picture', async (t) => {
  const folder = t.testdir({});
  await writeFile(join(folder, 'sound.png'), await photo());
  const describe = () => Promise.reject(new Error('the device failed'));
  const environment = { ADAIN_PRESETS: 'none', ADAIN_STYLES_DIR: folder };
  const parts = { createEngine: fakeEngine({ describe }) };
  await t.rejects(build(t, environment, parts), { message: 'the device failed' });
});
