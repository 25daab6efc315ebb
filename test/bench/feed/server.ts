/** The built service on a GPU that answers at once: all but the networks and CUDA. */
import { machine } from '../../engine/devices/cuda/machine.ts';

const built = (path: string): Promise<unknown> =>
  import(new URL(`../../../dist/${path}`, import.meta.url).href);
const { buildApp } = (await built('app.js')) as typeof import('../../../src/app.ts');
const { readConfig } = (await built('config.js')) as typeof import('../../../src/config.ts');
const { createEngine } = (await built(
  'engine/index.js',
)) as typeof import('../../../src/engine/index.ts');

const config = readConfig(process.env);
const seams = {
  workerFile: new URL('./worker.ts', import.meta.url),
  host: machine(process.env['FEED_FOLDER'] ?? ''),
};
const app = await buildApp(config, { createEngine: (options) => createEngine(options, seams) });
await app.listen({ host: config.HOST, port: config.PORT });
await app.warmUp();
process.once('SIGTERM', () => {
  void app.close();
});
