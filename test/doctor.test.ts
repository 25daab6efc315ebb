import t from 'tap';
import { readConfig } from '../src/config.ts';
import { examine } from '../src/doctor.ts';
import { machine, providerFiles } from './engine/devices/cuda/machine.ts';

const config = (device: string, more = {}) =>
  readConfig({ ADAIN_DEVICE: device, ADAIN_THREADS: '1', ...more });

t.test('each check is a line, and what auto will do is said', async (t) => {
  const host = machine(t.testdir(providerFiles()), { gpus: () => [] });
  const { report, healthy } = await examine(config('auto'), host);
  t.ok(healthy);
  t.match(report, /^ADAIN_DEVICE is auto$/m);
  t.match(report, /^ {2}pass {5}cuDNN {11}libcudnn\.so\.9$/m);
  t.match(
    report,
    /^ {2}no GPU {3}device 0 {8}there is no CUDA device 0; devices: none\n {27}choose/m,
  );
  t.match(report, /^ {2}pass {5}inference {7}CPU with 1 threads$/m);
  t.match(report, /^With ADAIN_DEVICE=auto the service runs on the CPU\.$/m);
});

t.test('a device that was asked for and fails is not healthy', async (t) => {
  const host = machine(t.testdir({}));
  const { report, healthy } = await examine(config('cuda'), host);
  t.notOk(healthy);
  t.match(report, /^ {2}FAIL {5}provider /m);
  t.notMatch(report, /inference/);
  t.match(report, /^With ADAIN_DEVICE=cuda the service does not start\.$/m);
});

t.test('so is a model that cannot be loaded', async (t) => {
  const { report, healthy } = await examine(config('cpu', { ADAIN_MODELS_DIR: '/nowhere' }));
  t.notOk(healthy);
  t.match(report, /^ {2}FAIL {5}inference {7}\/nowhere\/model\.json cannot be read/m);
});
