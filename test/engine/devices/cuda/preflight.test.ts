import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { arch, platform } from 'node:process';
import t from 'tap';
import { embeddedVersions, neededLibraries } from '../../../../src/engine/devices/cuda/elf.ts';
import { listGpus, thisHost, tryLibrary } from '../../../../src/engine/devices/cuda/host.ts';
import type { CudaHost } from '../../../../src/engine/devices/cuda/host.ts';
import { obstacleOf, preflight } from '../../../../src/engine/devices/cuda/preflight.ts';
import { machine, providerFiles } from './machine.ts';
import { tinyLibrary } from './tiny-library.ts';

const native = platform === 'linux' && arch === 'x64';
const elsewhere = !native && 'loads libraries for linux/x64';
const absent = (name: string) => (library: string) =>
  library === name ? `${name}: cannot open shared object file` : undefined;

t.test('all is well: every check passes', (t) => {
  const checks = preflight([0], machine(t.testdir(providerFiles('1.29.0'))));
  t.equal(obstacleOf(checks), undefined);
  t.same(
    checks.map(({ name, state }) => `${name} ${state}`),
    [
      'platform',
      'provider',
      'version',
      'driver',
      'CUDA',
      'cuDNN',
      'provider loads',
      'device 0',
    ].map((name) => `${name} pass`),
  );
  t.match(checks, [{}, {}, {}, {}, { detail: 'libcublas.so.12, libcudart.so.12' }]);
  t.end();
});

t.test('what is missing is named, with the remedy', (t) => {
  const folder = t.testdir(providerFiles('1.29.0'));
  const obstacle = (changes: Partial<CudaHost>, ordinals = [0], where = folder) =>
    obstacleOf(preflight(ordinals, machine(where, changes))) ?? '';

  t.match(obstacle({ platform: 'darwin/arm64' }), /CUDA for linux\/x64.*: set ADAIN_DEVICE=cpu/);
  t.match(
    obstacle({}, [0], join(folder, 'nowhere')),
    /libonnxruntime_providers_cuda\.so and .*_shared\.so not in .*nowhere: .*install\.js/,
  );
  t.match(
    obstacle({ runtimeVersion: '1.30.1' }),
    /provider is of version 1\.29\.0, onnxruntime of 1\.30\.1: put the provider of 1\.30\.1/,
  );
  t.match(obstacle({ load: absent('libcuda.so.1') }), /driver's libcuda\.so\.1.*: .*--gpus all/);
  t.match(
    obstacle({ driverVersion: () => '470.82.01' }),
    /driver 470\.82\.01 is too old for CUDA 12: install driver 525\.60/,
  );
  t.match(
    obstacle({ load: absent('libcublas.so.12') }),
    /^libcublas\.so\.12 cannot be loaded \(.*cannot open.*\): install CUDA 12 or name its folder/,
  );
  t.match(obstacle({ load: absent('libcudnn.so.9') }), /libcudnn\.so\.9.*: install cuDNN 9/);
  t.match(
    obstacle({ load: absent(join(folder, 'libonnxruntime_providers_cuda.so')) }),
    /cannot open shared object file: provide what it names/,
  );
  t.match(
    obstacle({}, [0, 3]),
    /there is no CUDA device 3; devices: 0 NVIDIA L4, 1 NVIDIA L4: choose one/,
  );
  t.match(obstacle({ gpus: () => [] }), /there is no CUDA device 0; devices: none/);
  t.match(obstacle({}, [1]), /device 1 has too little memory: NVIDIA L4, 300 MiB free: end what/);
  t.end();
});

t.test('a symbol that onnxruntime gives the provider later is no obstacle; others are', (t) => {
  const folder = t.testdir(providerFiles('1.29.0'));
  const obstacle = (symbol: string) => {
    const load = (library: string) =>
      library.startsWith('/') ? `${library}: undefined symbol: ${symbol}` : undefined;
    return obstacleOf(preflight([0], machine(folder, { load })));
  };
  t.equal(obstacle('Provider_GetHost'), undefined);
  t.match(obstacle('cublasLtMatmul'), /undefined symbol: cublasLtMatmul/);
  t.end();
});

t.test('what nobody can tell is no obstacle', (t) => {
  const folder = t.testdir(providerFiles('not a version'));
  const host = machine(folder, { driverVersion: () => undefined, gpus: () => undefined });
  const checks = preflight([0], host);
  t.equal(obstacleOf(checks), undefined);
  t.same(
    checks.filter(({ state }) => state === 'unknown').map(({ name }) => name),
    ['version', 'driver', 'devices'],
  );
  t.end();
});

t.test("the loader's own words, of real libraries", { skip: elsewhere }, (t) => {
  const folder = t.testdir({
    ...providerFiles('1.29.0', ['libcublas.so.99', 'libc.so.6']),
    'whole.so': tinyLibrary({ needs: ['libc.so.6'] }),
    'text.so': 'no library',
  });
  t.equal(tryLibrary(join(folder, 'whole.so')), undefined);
  t.match(tryLibrary(join(folder, 'text.so')), /file too short|invalid ELF header/);
  t.throws(() => neededLibraries(join(folder, 'text.so')), /text\.so is cut off/);

  const obstacle = obstacleOf(preflight([0], machine(folder, { load: tryLibrary }))) ?? '';
  t.match(obstacle, /libcublas\.so\.99: cannot open shared object file/);
  t.notMatch(obstacle, /libc\.so\.6/);
  t.end();
});

t.test('onnxruntime itself, as it is installed', { skip: elsewhere }, (t) => {
  const { folder, runtimeVersion } = thisHost();
  const library = join(folder, 'libonnxruntime.so.1');
  t.ok(neededLibraries(library).includes('libc.so.6'));
  t.ok(embeddedVersions(library).includes(runtimeVersion), 'the version is where we look for it');
  t.end();
});

t.test('GPUs are those that CUDA lets the process see', { skip: elsewhere }, (t) => {
  const script = `#!/bin/sh
echo "0, GPU-aa, NVIDIA L4, 100"
echo "1, GPU-bb, NVIDIA T4, 200"
`;
  const command = join(t.testdir({ 'nvidia-smi': script }), 'nvidia-smi');
  chmodSync(command, 0o755);
  const [l4, t4] = [
    { name: 'NVIDIA L4', freeMiB: 100 },
    { name: 'NVIDIA T4', freeMiB: 200 },
  ];
  const list = (visible?: string, order?: string) =>
    listGpus({ CUDA_VISIBLE_DEVICES: visible, CUDA_DEVICE_ORDER: order }, command);
  const inOrder = (visible?: string) => list(visible, 'PCI_BUS_ID');
  t.same(inOrder(), [l4, t4]);
  t.same(inOrder('1'), [t4]);
  t.same(inOrder('GPU-bb,0'), [t4, l4]);
  t.same(inOrder('1,7,0'), [t4], 'nothing after a wrong one');
  t.same(inOrder(''), []);
  t.equal(inOrder('MIG-cc'), undefined, 'slices of a GPU are not in its list');
  t.equal(listGpus({}, '/nowhere/nvidia-smi'), undefined);

  // CUDA counts from the fastest, whatever slot it is in.
  t.equal(list(), undefined, 'which of two kinds is the first');
  t.equal(list('1'), undefined);
  t.same(list('GPU-bb,GPU-aa'), [t4, l4]);
  writeFileSync(command, script.replace('T4', 'L4'));
  t.same(list('1'), [{ name: 'NVIDIA L4', freeMiB: 200 }], 'of one kind they are in order');
  t.end();
});
