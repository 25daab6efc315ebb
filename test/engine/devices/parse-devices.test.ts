import t from 'tap';
import type { Test } from 'tap';
import { gpuWorkers } from '../../../src/engine/devices/gpu-workers.ts';
import { parseDevices } from '../../../src/engine/devices/parse-devices.ts';
import { createEngine } from '../../../src/engine/index.ts';
import type { EngineOptions } from '../../../src/engine/index.ts';
import { machine, providerFiles } from './cuda/machine.ts';
import { words } from './cuda/words.ts';
import { modelsDir } from '../helpers.ts';

const options = { modelsDir, queueLimit: 1, maxBatch: 1, tilePixels: 1e6, threads: 1 };
const workerFile = new URL('../workers/fake-worker.ts', import.meta.url);

function breakGpus(t: Test, reason: string): void {
  process.env['FAKE_GPU_BROKEN'] = reason;
  t.teardown(() => delete process.env['FAKE_GPU_BROKEN']);
}

t.test('devices are read in the notation of ADAIN_DEVICE', (t) => {
  const precision = 'float16';
  const gpu = (ordinal: number) => ({ provider: 'cuda', ordinal, threads: 3, precision });
  const cpu = { provider: 'cpu', ordinal: 0, threads: 3, precision: 'float32' };
  t.same(parseDevices('cpu', 3, precision), [cpu], 'where float16 brings nothing');
  t.same(parseDevices('cuda', 3, precision), [gpu(0)]);
  t.same(parseDevices('cuda:0, cuda:2', 3, precision), [gpu(0), gpu(2)]);
  for (const wrong of ['', 'gpu', 'cuda:', 'cuda:0,cpu', 'cuda:-1']) {
    t.throws(() => parseDevices(wrong, 3, precision), /is none of auto, cpu, cuda/);
  }
  t.end();
});

t.test('a GPU that works is taken, by auto too', async (t) => {
  const host = machine(t.testdir(providerFiles()));
  for (const device of ['auto', 'cuda']) {
    const engine = await createEngine({ ...options, device }, { host, workerFile });
    t.match(engine, { provider: 'cuda', description: 'CUDA device 0 in float16' });
    await engine.close();
  }
});

t.test('cuda takes as many workers as there is room for, a list as many as it names', async (t) => {
  const host = machine(t.testdir(providerFiles()), {
    gpus: () => [{ name: 'NVIDIA H200', freeMiB: 140_000 }],
  });
  const start = async (more: Partial<EngineOptions>) => {
    const engine = await createEngine(
      { ...options, device: 'cuda', ...more },
      { host, workerFile },
    );
    t.teardown(() => engine.close());
    return engine.description;
  };
  const name = 'CUDA device 0 in float16';
  t.equal(await start({ threads: 16 }), `${name} with 4 workers`);
  t.equal(await start({ threads: 16, device: 'auto' }), `${name} with 4 workers`);
  t.equal(await start({ threads: 16, memoryBytes: 5 * 2 ** 30 }), `${name} with 2 workers`);
  t.equal(await start({ threads: 16, device: 'cuda:0' }), name);
  t.equal(await start({ threads: 1, device: 'cuda:0,cuda:0' }), `${name} with 2 workers`);
});

t.test('workers share a GPU as far as cores and memories go', (t) => {
  const room = { cores: 16, memoryBytes: 64 * 2 ** 30, freeMiB: 140_000 };
  t.equal(gpuWorkers(room), 4);
  t.equal(gpuWorkers({ ...room, cores: 128 }), 4, 'the HTTP thread is busy then');
  t.equal(gpuWorkers({ ...room, cores: 11 }), 2);
  t.equal(gpuWorkers({ ...room, cores: 1 }), 1);
  t.equal(gpuWorkers({ ...room, memoryBytes: 8 * 2 ** 30 }), 4);
  t.equal(gpuWorkers({ ...room, memoryBytes: 2 * 2 ** 30 }), 1);
  t.equal(gpuWorkers({ ...room, freeMiB: 22_500 }), 2);
  t.equal(gpuWorkers({ ...room, freeMiB: 1100 }), 1);
  t.equal(gpuWorkers({ ...room, freeMiB: undefined }), 1, 'nobody knows');
  t.end();
});

t.test('without CUDA, cuda fails the start and auto says why it runs on the CPU', async (t) => {
  const host = machine(t.testdir({}));
  const reason = /libonnxruntime_providers_cuda\.so and .* not in .*install\.js/;
  await t.rejects(createEngine({ ...options, device: 'cuda' }, { host }), {
    message: new RegExp(`^CUDA cannot be used: ${reason.source}$`),
  });
  const engine = await createEngine({ ...options, device: 'auto' }, { host });
  t.teardown(() => engine.close());
  t.equal(engine.provider, 'cpu');
  t.match(engine.description, /^CPU with 1 threads \(no GPU: CUDA cannot be used: .*_cuda\.so/);
});

for (const [name, text, meaning] of [
  ['without memory', words.outOfMemory, 'the GPU is out of memory: lower ADAIN_TILE_PIXELS'],
  ['without cuDNN', words.noCudnn, 'cuDNN cannot be loaded: install cuDNN 9'],
  ['that fails', words.launchFailed, 'the GPU failed: restart the service'],
] as const) {
  t.test(`a GPU ${name} shows at the first inference, with its number`, async (t) => {
    const host = machine(t.testdir(providerFiles()));
    breakGpus(t, text);
    await t.rejects(createEngine({ ...options, device: 'cuda' }, { host, workerFile }), {
      message: new RegExp(`^CUDA device 0 cannot be used: ${meaning}`),
    });
    const engine = await createEngine({ ...options, device: 'auto' }, { host, workerFile });
    t.teardown(() => engine.close());
    t.match(engine, { provider: 'cpu', ready: true });
    t.ok(engine.description.includes(`no GPU: CUDA device 0 cannot be used: ${meaning}`));
  });
}
