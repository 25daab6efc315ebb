import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { usableCores } from '../../../src/engine/devices/cores.ts';
import { loadModel } from '../../../src/engine/model/model.ts';
import { modelsDir } from '../helpers.ts';
import { ModelProtoSchema } from '../../../src/engine/model/graph/onnx/onnx_pb.ts';

type Files = Record<'encoder.onnx' | 'decoder.onnx' | 'model.json', Buffer>;

async function readFiles(): Promise<Files> {
  const names = ['encoder.onnx', 'decoder.onnx', 'model.json'] as const;
  const files = names.map(async (name) => [name, await readFile(join(modelsDir, name))] as const);
  return Object.fromEntries(await Promise.all(files)) as Files;
}

/** Puts a model with changes into a folder of its own; `sign` makes model.json's digests fit. */
async function write(folder: string, files: Files, sign = true): Promise<void> {
  const json = files['model.json'].toString();
  let text = json;
  if (sign) {
    const description = JSON.parse(json) as { files: Record<string, { sha256: string }> };
    for (const [name, entry] of Object.entries(description.files)) {
      const bytes = files[name as keyof Files];
      entry.sha256 = createHash('sha256').update(bytes).digest('hex');
    }
    text = JSON.stringify(description);
  }
  await writeFile(join(folder, 'encoder.onnx'), files['encoder.onnx']);
  await writeFile(join(folder, 'decoder.onnx'), files['decoder.onnx']);
  await writeFile(join(folder, 'model.json'), text);
}

function withDescription(files: Files, change: object): Files {
  const description = JSON.parse(files['model.json'].toString()) as object;
  return { ...files, 'model.json': Buffer.from(JSON.stringify({ ...description, ...change })) };
}

t.test('the model that ships is sound', async (t) => {
  const { info, channels, stride, margin } = await loadModel(modelsDir);
  t.match(info, { channels, stride, license: String, gmac512: Number, parameters: Number });
  t.ok(margin % stride === 0);
});

t.test('a model that does not fit is refused by name, with the remedy', async (t) => {
  const files = await readFiles();
  const folder = t.testdir({});
  const refused = async (changed: Files, message: RegExp, sign = true) => {
    await write(folder, changed, sign);
    await t.rejects(loadModel(folder), { message });
  };

  const torn = { ...files, 'encoder.onnx': files['encoder.onnx'].subarray(0, 1000) };
  await refused(torn, /encoder\.onnx is not the file that model\.json describes/, false);
  await refused(torn, /encoder\.onnx is not an ONNX model: export it again/);

  const swapped = { ...files, 'decoder.onnx': files['encoder.onnx'] };
  await refused(
    swapped,
    /decoder\.onnx must have one input, features of float32 with 4 dimensions, and has: picture/,
  );

  const old = fromBinary(ModelProtoSchema, files['decoder.onnx']);
  for (const used of old.opsetImport) used.version = 11n;
  const bytes = Buffer.from(toBinary(ModelProtoSchema, old));
  await refused({ ...files, 'decoder.onnx': bytes }, /opset 11.*opset_version=17/);

  await refused({ ...files, 'model.json': Buffer.from('{') }, /model\.json is not JSON/, false);
  await refused(withDescription(files, { stride: 'eight' }), /model\.json.*\n.*stride/s);
  await refused(withDescription(files, { encoderMargin: 12 }), /must be multiples of stride/);
  await refused(withDescription(files, { decoderHalo: 70 }), /multiples of stride/);
  await refused(withDescription(files, { decoderMargin: 80 }), /decoderMargin is more than/);
  const former = { encoderMargin: undefined, encoderHalo: 40, margin: 48 }; // until 0.10.0
  await refused(withDescription(files, former), /model\.json does not describe.*encoderMargin/s);
});

t.test('threads follow the quota of the control group, version 2 or 1', (t) => {
  const version1 = (quota: string) => ({
    cpu: { 'cpu.cfs_quota_us': `${quota}\n`, 'cpu.cfs_period_us': '100000\n' },
  });
  const folder = t.testdir({
    missing: {},
    half: { 'cpu.max': '50000 100000\n' },
    fraction: { 'cpu.max': '190000 100000\n' },
    none: { 'cpu.max': 'max 100000\n' },
    many: { 'cpu.max': '9900000 100000\n' },
    old: version1('100000'),
    oldNone: version1('-1'),
  });
  const all = usableCores(join(folder, 'missing'));
  t.ok(all >= 1);
  for (const name of ['half', 'fraction', 'old']) t.equal(usableCores(join(folder, name)), 1, name);
  for (const name of ['none', 'many', 'oldNone']) {
    t.equal(usableCores(join(folder, name)), all, name);
  }
  t.end();
});
