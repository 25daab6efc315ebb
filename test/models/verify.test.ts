import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { verifyModel } from '../../models/verify/checks.ts';

const root = new URL('../..', import.meta.url).pathname;

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Two of the presets, as each takes a while to be described. */
function twoPresets() {
  const read = (name: string) => readFileSync(join(root, 'models/styles', name));
  const { styles } = JSON.parse(read('catalog.json').toString()) as { styles: { id: string }[] };
  const chosen = styles.flatMap(({ id }, at) => (['woodcut', 'mosaic'].includes(id) ? at : []));
  const described = read('statistics.bin');
  const end = described.indexOf('\n');
  const head = JSON.parse(described.toString('utf8', 0, end)) as { by: object; pictures: object[] };
  const size = (described.length - end - 1) / styles.length;
  const starts = chosen.map((at) => end + 1 + at * size);
  const numbers = Buffer.concat(starts.map((start) => described.subarray(start, start + size)));
  const of = <T>(all: readonly T[]) => chosen.flatMap((at) => all[at] ?? []);
  return {
    catalog: JSON.stringify({ styles: of(styles) }),
    head: { by: head.by, sha256: sha256(numbers), pictures: of(head.pictures) },
    numbers,
  };
}
const presets = twoPresets();

const statistics = (head: object, numbers = presets.numbers) =>
  Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), numbers]);

/** A copy of the model with one file changed; with presets if it is one of theirs. */
function changed(t: Test, file: string, change: (bytes: Buffer) => Buffer | string): string {
  const folder = t.testdir({});
  const hasPresets = file.startsWith('styles');
  const names = ['encoder.onnx', 'decoder.onnx', 'model.json', 'golden'];
  for (const name of hasPresets ? [...names, 'styles'] : names) {
    cpSync(join(root, 'models', name), join(folder, name), { recursive: true });
  }
  if (hasPresets) {
    writeFileSync(join(folder, 'styles/catalog.json'), presets.catalog);
    writeFileSync(join(folder, 'styles/statistics.bin'), statistics(presets.head));
  }
  writeFileSync(join(folder, file), change(readFileSync(join(folder, file))));
  return folder;
}

const described = (change: object) => (bytes: Buffer) =>
  JSON.stringify({ ...(JSON.parse(bytes.toString()) as object), ...change });

const flipped = (index: number) => (bytes: Buffer) => {
  bytes[index] = (bytes[index] ?? 0) ^ 0x40;
  return bytes;
};

/** Names of the checks that failed, with what they say. */
async function failures(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, passed, says } of verifyModel(folder)) if (!passed) found[name] = says;
  return found;
}

const run = (folder: string) =>
  spawnSync('npm', ['run', '--silent', 'model:verify', folder], { cwd: root, encoding: 'utf8' });

t.test('the model that ships passes, one line for each check', async (t) => {
  const { status, stdout } = run(join(root, 'models'));
  t.equal(status, 0, stdout);
  for (const line of stdout.trim().split('\n')) t.match(line, /^pass {2}[a-z ]+: ./);
  t.match(stdout, /presets: 13 are as statistics\.bin has them/, 'to the last');
});

t.test('a changed byte of the weights is named and makes the command fail', async (t) => {
  const { status, stdout } = run(changed(t, 'encoder.onnx', flipped(100_000)));
  t.equal(status, 1);
  t.match(stdout, /^FAIL {2}files: .*encoder\.onnx is not the file that model\.json describes/);
});

t.test('a model.json that does not fit the weights is named', async (t) => {
  const check = async (change: object, expected: Record<string, RegExp>) =>
    t.match(await failures(changed(t, 'model.json', described(change))), expected);

  await check(
    { channels: 128 },
    { tensors: /encoder.onnx maps 3 channels to 320, and model.json says 3 channels to 128/ },
  );
  await check({ parameters: 7 }, { parameters: /numbers, and model\.json says 7/ });
  await check(
    { stride: 4 },
    { stride: /stride 4 and encoderMargin \d+ in model.json say \[2,320,4,6\]/ },
  );
  await check({ decoderHalo: 8 }, { tiles: /halo|largest difference/ });
});

t.test('golden tensors that the model does not give are named', async (t) => {
  const check = async (file: string, change: (bytes: Buffer) => Buffer, expected: object) =>
    t.match(await failures(changed(t, join('golden', file), change)), expected);

  await check('result.u8', flipped(5000), { 'golden result': /largest difference 64 of 255/ });
  await check('half.u8', flipped(0), { 'golden half': /largest difference 64 of 255/ });
  await check('statistics.f32', flipped(2), { 'golden statistics': /relative error/ });
  await check('style.u8', (bytes) => bytes.subarray(1), { 'golden files': /style\.u8 has/ });
});

t.test('statistics of presets that are stale are named, with the command', async (t) => {
  const check = async (file: string, change: (bytes: Buffer) => Buffer, expected: RegExp) => {
    const folder = changed(t, join('styles', file), change);
    t.match(await failures(folder), { presets: expected });
    return folder;
  };
  const { head, numbers } = presets;
  const by = { ...head.by, model: '0'.repeat(64) };
  const stale = /statistics\.bin is stale \(its model is 0{64}, not \w+\): npm run styles:describe/;
  await check('statistics.bin', () => statistics({ ...head, by }), stale);
  const last = statistics(head).length - 2;
  await check('statistics.bin', flipped(last), /is stale \(it is not whole\)/);
  const shifted = Buffer.from(numbers);
  shifted.writeFloatLE(shifted.readFloatLE(40) + 0.01, 40);
  await check(
    'statistics.bin',
    () => statistics({ ...head, sha256: sha256(shifted) }, shifted),
    /relative error .* allowed/,
  );

  const plate = readFileSync(join(root, 'models/styles/woodcut.jpg'));
  const folder = await check(
    'mosaic.jpg',
    () => plate,
    /is of other pictures than those beside it/,
  );
  const { status } = spawnSync('npm', ['run', '--silent', 'styles:describe', folder], {
    cwd: root,
  });
  t.equal(status, 0);
  t.same(await failures(folder), {}, 'the command mends it');
});
