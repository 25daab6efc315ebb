import t from 'tap';

import { createEngine } from '../../../src/engine/index.ts';
import { checkModel } from '../../../src/engine/inference/check-model.ts';
import { loadModel } from '../../../src/engine/model/model.ts';
import type { Model } from '../../../src/engine/model/model.ts';
import { cpu, modelsDir } from '../helpers.ts';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const model = await loadModel(modelsDir);

t.test('the model that ships is as its model.json says', async (t) => {
  await t.resolves(checkModel(model, cpu));
});

t.test('a number that is wrong is refused by its name, with the right one', async (t) => {
  const { channels, stride, encoderMargin, decoderHalo } = model;
  const wrong: [change: Partial<Model>, message: RegExp][] = [
    [{ channels: 999 }, new RegExp(`says channels 999, but the networks have ${channels}:`)],
    [{ stride: stride / 2 }, new RegExp(`says stride ${stride / 2}, .* have ${stride}:`)],
    [{ stride: 2 * stride }, new RegExp(`says stride ${2 * stride}, .* have ${stride}:`)],
    ...[8, encoderMargin - 8, encoderMargin + 8, 2 * encoderMargin].map(
      (margin): [Partial<Model>, RegExp] => [
        { encoderMargin: margin },
        new RegExp(`says encoderMargin ${margin}, .* have ${encoderMargin}:`),
      ],
    ),
    [
      { decoderHalo: decoderHalo - stride },
      new RegExp(`says decoderHalo ${decoderHalo - stride}, .* have `),
    ],
    [{ decoderHalo: stride }, new RegExp(`says decoderHalo ${stride}, .* have `)],
    [{ decoder: model.encoder }, /decoder\.onnx takes no features \[1, \d+, .*same export/],
  ];
  for (const [change, message] of wrong) {
    await t.rejects(checkModel({ ...model, ...change }, cpu), { message });
  }
  await t.resolves(checkModel({ ...model, decoderHalo: decoderHalo + stride }, cpu), 'only slower');
});

t.test('it keeps the engine from starting', async (t) => {
  const folder = t.testdir({});
  for (const name of ['encoder.onnx', 'decoder.onnx']) {
    cpSync(join(modelsDir, name), join(folder, name));
  }
  const json = JSON.parse(readFileSync(join(modelsDir, 'model.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'model.json'), JSON.stringify({ ...json, channels: 999 }));
  const options = { modelsDir: folder, device: 'cpu', queueLimit: 1, tilePixels: 2 ** 20 };
  await t.rejects(createEngine(options), { message: /^model\.json says channels 999/ });
});
