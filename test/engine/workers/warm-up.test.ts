import { pathToFileURL } from 'node:url';
import t from 'tap';
import type { Executor } from '../../../src/engine/inference/executor.ts';
import { loadModel } from '../../../src/engine/model/model.ts';
import { layoutOf } from '../../../src/engine/tiling/layout.ts';
import { startCpuGroup } from '../../../src/engine/workers/cpu-group.ts';
import type { RunMessage } from '../../../src/engine/workers/messages.ts';
import { tryWhole } from '../../../src/engine/workers/warm-up.ts';
import { modelsDir } from '../helpers.ts';

const model = await loadModel(modelsDir);
const placement = { provider: 'cpu', ordinal: 0, threads: 2, precision: 'float32' } as const;
const layout = layoutOf(model, placement, { maxBatch: 2 });

t.test('those who work side by side know the speeds that the first has measured', async (t) => {
  const source = `
    import { parentPort, workerData } from 'node:worker_threads';
    const { speeds } = workerData;
    parentPort.on('message', ({ kind }) => {
      if (kind === 'close') parentPort.close();
      else parentPort.postMessage({ kind: 'done', outcomes: [{ value: speeds }] });
    });
    parentPort.postMessage({ kind: 'ready', speeds: speeds ?? { describe: 1 } });`;
  const file = pathToFileURL(`${t.testdir({ 'worker.mjs': source })}/worker.mjs`);
  const group = await startCpuGroup({ model, placement, layout, check: true }, file);
  t.teardown(async () => {
    group.close();
    await group.ended;
  });
  t.same(group.speeds, { describe: 1 });
  const run = (...items: object[]) =>
    group.run({ kind: 'describe', items } as unknown as RunMessage);
  t.same(await run({}, {}), [{ value: group.speeds }, { value: group.speeds }]);
  t.same(await run({}), [{ value: undefined }], 'which it was to measure');
});

t.test('they run a whole picture of each kind, once', async (t) => {
  const runs: string[] = [];
  const told =
    <T>(kind: string, value: T) =>
    ({ size }: { size: { width: number } }, { length }: readonly unknown[]) => {
      runs.push(`${kind} ${length} of ${size.width}`);
      return Promise.resolve([value]);
    };
  const executor = {
    describe: told('describe', new Float32Array()),
    stylize: told('stylize', {}),
  } as unknown as Executor;
  await tryWhole(executor, layout);
  t.same(runs, ['describe 1 of 256', 'stylize 1 of 256']);
});
