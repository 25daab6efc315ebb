import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';

import { loadModel, type Engine } from '../../src/engine/index.ts';
import { build, photo, recorder } from '../support/app.ts';
import { fakeEngine, timed } from '../support/fake-engine.ts';

const models = new URL('../../models', import.meta.url).pathname;
const { info: model } = await loadModel(models);

/** Starts with the model that ships, or another; descriptions are counted. */
async function start(t: Test, environment: Record<string, string> = {}, digest = model.digest) {
  const { logger, lines } = recorder();
  let descriptions = 0;
  const describe: Engine['describe'] = () => {
    descriptions++;
    return Promise.resolve(timed(new Float32Array(2 * model.channels)));
  };
  const createEngine = fakeEngine({ model: { ...model, digest }, describe });
  const app = await build(t, environment, { createEngine, logger });
  const { styles } = (await app.inject('/styles')).json<{ styles: { id: string }[] }>();
  const warnings = lines.filter(({ level }) => level === 40).map(({ msg }) => String(msg));
  return { app, styles, descriptions, warnings };
}

t.test('shipped presets are not described at the start', async (t) => {
  const { app, styles, descriptions, warnings } = await start(t);
  t.equal(descriptions, 0);
  t.same(warnings, []);
  const file = await readFile(join(models, 'styles/statistics.bin'));
  for (const [i, { id }] of styles.entries()) {
    const size = 8 * model.channels;
    const begin = file.indexOf('\n') + 1 + i * size;
    const { rawPayload } = await app.inject(`/styles/${id}/statistics`);
    t.ok(rawPayload.equals(file.subarray(begin, begin + size)), id);
  }
});

t.test('they need no memory that is there for other pictures', async (t) => {
  const memoryBytes = (7 / 8) * 2 ** 28 - 4096;
  const createEngine = fakeEngine({ model, memoryBytes });
  const environment = { ADAIN_MEMORY_BYTES: String(2 ** 28), ADAIN_MAX_UPLOAD_BYTES: '1024' };
  const app = await build(t, environment, { createEngine });
  for (const of of ['image', 'thumbnail']) {
    t.equal((await app.inject(`/styles/mosaic/${of}`)).statusCode, 200, of);
  }
});

t.test('but where their file is of another model, size or picture, with a warning', async (t) => {
  const { styles, ...other } = await start(t, {}, '1'.repeat(64));
  t.equal(other.descriptions, styles.length);
  t.match(other.warnings, [
    /^13 presets were described .*statistics\.bin cannot .* \(its model is \w+, not 1{64}\)\. npm run styles:describe/,
  ]);
  const smaller = await start(t, { ADAIN_STYLE_SIZE: '256' });
  t.equal(smaller.descriptions, styles.length);
  t.match(smaller.warnings, [/its styleSize is 512, not 256/]);

  const folder = t.testdir({});
  await cp(join(models, 'styles'), join(folder, 'styles'), { recursive: true });
  await writeFile(join(folder, 'styles/mosaic.jpg'), await photo());
  const changed = await start(t, { ADAIN_MODELS_DIR: folder });
  t.equal(changed.descriptions, 1);
  t.match(changed.warnings, [/^1 presets were described .* \(it does not have these pictures\)/]);
  t.match((await changed.app.inject('/styles/mosaic')).json(), { width: 64, height: 48 });
  t.equal(changed.styles.length, styles.length);
});
