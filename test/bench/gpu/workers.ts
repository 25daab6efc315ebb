/** Pictures a second through the engine, without HTTP, with several workers on one GPU. */
import { createEngine } from '../../../src/engine/index.ts';
import { modelsDir, stylize, testPicture } from '../../engine/helpers.ts';
import { sustained } from '../client.ts';
import { gpuMemoryMiB, watchGpu, withOneWorker } from './device.ts';
import { readSettings, say } from './part.ts';

/** Workers, and pictures a run. */
const crews = [
  [1, 1],
  [2, 1],
  [3, 1],
  [1, 8],
  [2, 8],
] as const;

/** Fewer and smaller canvases than by default are warmed up sooner; 256² and 512² lie on the same ones. */
const tilePixels = 512 ** 2;

const { device, rounds } = readSettings();
for (const [workers, maxBatch] of device === 'cpu' ? crews.slice(0, 1) : crews) {
  const devices = Array.from({ length: workers }, () => withOneWorker(device)).join(',');
  const start = performance.now();
  const options = { modelsDir, device: devices, maxBatch, tilePixels };
  const engine = await createEngine({ ...options, queueLimit: 256 });
  const ready = (performance.now() - start) / 1000;
  const { value: statistics } = await engine.describe(testPicture(256, 256));
  for (const side of [256, 512]) {
    const { width, height, data } = testPicture(side, side);
    const clients = workers * (2 * maxBatch + 2);
    let sizes = 0;
    const watch = watchGpu();
    const { perSecond, answers } = await sustained(clients, rounds / 2, async () => {
      const image = { width, height, data: data.slice() }; // pixels are transferred
      const { batchSize } = await stylize(engine, { image, statistics, alpha: 1, color: 'style' });
      sizes += batchSize;
    });
    const { percent } = watch.stop();
    say('Pictures a second through the engine', {
      workers,
      'pictures a run, at most': maxBatch,
      'ready after, s': ready,
      side: `${side}²`,
      waiting: clients,
      'pictures/s': perSecond,
      'pictures a run': sizes / (answers.length + 2 * clients),
      'GPU busy, %': percent,
      'GPU MiB, of all': gpuMemoryMiB(),
      'resident MiB': process.memoryUsage.rss() / 2 ** 20,
    });
  }
  await engine.close();
}
