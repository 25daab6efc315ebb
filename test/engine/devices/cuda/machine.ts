import type { CudaHost } from '../../../../src/engine/devices/cuda/host.ts';
import { tinyLibrary } from './tiny-library.ts';

/** The provider's libraries as a folder for `t.testdir`. */
export const providerFiles = (
  version = '1.29.0',
  needs = ['libcublas.so.12', 'libcudart.so.12', 'libc.so.6'],
) => ({
  'libonnxruntime_providers_cuda.so': tinyLibrary({ needs, version }),
  'libonnxruntime_providers_shared.so': tinyLibrary(),
});

/** A machine on which all is well, but for what a test changes. */
export function machine(folder: string, changes: Partial<CudaHost> = {}): CudaHost {
  return {
    platform: 'linux/x64',
    folder,
    runtimeVersion: '1.29.0',
    load: () => undefined,
    driverVersion: () => '550.54.15',
    gpus: () => [
      { name: 'NVIDIA L4', freeMiB: 22_000 },
      { name: 'NVIDIA L4', freeMiB: 300 },
    ],
    ...changes,
  };
}
