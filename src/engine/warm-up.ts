import { canvasSize } from './canvas.ts';
import type { Executor } from './executor.ts';
import type { Model } from './model.ts';
import type { Speeds } from './rates.ts';

/** Large enough for the speed to be that of real pictures, small enough for a quick start. */
const side = 256;

/**
 * Runs every kind of work twice on a picture of noise. The first run pays for memory and threads;
 * the second tells the speed.
 * @throws what the runtime says when the device cannot run the networks
 */
export async function warmUp(executor: Executor, model: Model): Promise<Speeds> {
  const data = Uint8Array.from({ length: 3 * side * side }, (_, i) => (i * 7919) % 251);
  const image = { width: side, height: side, data };
  const canvas = canvasSize(image, model);
  const megapixels = (canvas.width * canvas.height) / 1e6;

  /** The runs of `works` one after another; the last one counts. */
  async function speed(works: readonly (() => Promise<unknown>)[]): Promise<number> {
    let start = 0;
    for (const work of works) {
      start = performance.now();
      await work();
    }
    return (performance.now() - start) / megapixels;
  }

  const [statistics = new Float32Array()] = await executor.describe([image]);
  const input = { image, statistics, alpha: 1, preserveColor: false };
  // One tile: its moments come with the first step, its pixels with the second.
  const paintings = [executor.paint(input, Infinity), executor.paint(input, Infinity)];
  const tiles = paintings.map((painting) => () => painting.next());
  return {
    describe: await speed([() => executor.describe([image])]),
    stylize: await speed([() => executor.stylize([input]), () => executor.stylize([input])]),
    'tile-moments': await speed(tiles),
    'tile-stylize': await speed(tiles),
  };
}
