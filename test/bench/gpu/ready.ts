/** What CUDA needs, looked at one by one; then how long an engine takes to be ready, and what it holds. */
import { createEngine, parseDevices, preflight, thisHost } from '../../../src/engine/index.ts';
import { modelsDir, stylize, testPicture } from '../../engine/helpers.ts';
import { timed } from '../measure.ts';
import { gpuMemoryMiB, withOneWorker } from './device.ts';
import { readSettings, say } from './part.ts';

const mebibyte = 2 ** 20;
const { device } = readSettings();

if (device !== 'cpu') {
  const ordinals = parseDevices(device, 1).map(({ ordinal }) => ordinal);
  for (const { name, state, detail, remedy = '' } of preflight(ordinals, thisHost())) {
    say('Doctor', { check: name, state, detail, remedy });
  }
}

const memory = (when: string, seconds: number | string) => {
  const rss = process.memoryUsage.rss() / mebibyte;
  say('An engine with one worker', {
    when,
    'took, s': seconds,
    'resident MiB': rss,
    'GPU MiB, of all': gpuMemoryMiB(),
  });
};
memory('before', '');
const start = performance.now();
const engine = await createEngine({ modelsDir, device: withOneWorker(device), queueLimit: 8 });
memory(`ready: ${engine.description}`, (performance.now() - start) / 1000);

const { value: statistics } = await engine.describe(testPicture(512, 512));
for (const [width, height] of [
  [256, 256],
  [512, 512],
  [1024, 1024],
  [300, 200],
  [1600, 1200],
] as const) {
  const paint = timed(() => {
    const image = testPicture(width, height);
    return stylize(engine, { image, statistics, alpha: 1, color: 'style' });
  });
  const [first, second, third] = [await paint(), await paint(), await paint()];
  say('Pictures one after the other, with the making of them', {
    size: `${width}×${height}`,
    'first, ms': first,
    'second, ms': second,
    'third, ms': third,
  });
}
memory('after some pictures', '');
await engine.close();
memory('closed', '');
