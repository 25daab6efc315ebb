/** The built service on a GPU that answers at once: all but the networks and CUDA. */
import type { Parts } from '../../../src/app.ts';
import { machine } from '../../engine/devices/cuda/machine.ts';

const built = (path: string): Promise<unknown> =>
  import(new URL(`../../../dist/${path}`, import.meta.url).href);
const { buildApp } = (await built('app.js')) as typeof import('../../../src/app.ts');
const { readConfig } = (await built('config.js')) as typeof import('../../../src/config.ts');
const { createEngine } = (await built(
  'engine/index.js',
)) as typeof import('../../../src/engine/index.ts');

const seams = {
  workerFile: new URL('./worker.ts', import.meta.url),
  host: machine(process.env['FEED_FOLDER'] ?? ''),
};
const parts: Partial<Parts> = { createEngine: (options) => createEngine(options, seams) };
const config = readConfig(process.env);

async function serveAlone() {
  const app = await buildApp(config, parts);
  await app.listen({ host: config.HOST, port: config.PORT });
  await app.warmUp();
  process.once('SIGTERM', () => {
    void app.close();
  });
}

// As src/server.ts has it. Another checkout of `--against` may not know processes.
if (config.ADAIN_PROCESSES > 1) {
  const { shareOfThisProcess } = (await built(
    'cluster/share.js',
  )) as typeof import('../../../src/cluster/share.ts');
  const share = shareOfThisProcess();
  if (share) {
    const { serveShare } = (await built(
      'cluster/child.js',
    )) as typeof import('../../../src/cluster/child.ts');
    await serveShare(share, parts);
  } else {
    const { runProcesses } = (await built(
      'cluster/primary.js',
    )) as typeof import('../../../src/cluster/primary.ts');
    await runProcesses(config);
  }
} else await serveAlone();
