import t from 'tap';
import { cudaObstacle, parseDevices } from '../../src/engine/devices.ts';
import { createEngine } from '../../src/engine/index.ts';
import { modelsDir } from './helpers.ts';

t.test('devices are read in the notation of ADAIN_DEVICE', (t) => {
  const gpu = (ordinal: number) => ({ provider: 'cuda', ordinal, threads: 3 });
  t.same(parseDevices('cpu', 3), [{ provider: 'cpu', ordinal: 0, threads: 3 }]);
  t.same(parseDevices('cuda', 3), [gpu(0)]);
  t.same(parseDevices('cuda:0, cuda:2', 3), [gpu(0), gpu(2)]);
  for (const wrong of ['', 'gpu', 'cuda:', 'cuda:0,cpu', 'cuda:-1']) {
    t.throws(() => parseDevices(wrong, 3), /is none of auto, cpu, cuda/);
  }
  t.end();
});

const obstacle = cudaObstacle();
const skip = obstacle === undefined && 'CUDA works here';

t.test(
  'without CUDA, cuda fails the start and auto says why it runs on the CPU',
  { skip },
  async (t) => {
    const options = { modelsDir, queueLimit: 1, maxBatch: 1, tilePixels: 1e6 };
    await t.rejects(createEngine({ ...options, device: 'cuda' }), {
      message: `CUDA cannot be used: ${obstacle ?? ''}`,
    });
    const engine = await createEngine({ ...options, device: 'auto', threads: 1 });
    t.teardown(() => engine.close());
    t.equal(engine.provider, 'cpu');
    t.match(engine.description, /^CPU with 1 threads \(no GPU: .*libonnxruntime_providers_cuda/);
  },
);
