/** What this machine offers to CUDA. Tests put another one in its place. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { arch, env, platform } from 'node:process';

export interface Gpu {
  readonly name: string;
  readonly freeMiB: number;
}

export interface CudaHost {
  /** As in linux/x64. */
  readonly platform: string;
  /** Where onnxruntime looks for its providers. */
  readonly folder: string;
  /** Of onnxruntime, as in 1.29.0. */
  readonly runtimeVersion: string;
  /** Loads a library by path or soname. @returns why it cannot be loaded, in the loader's words */
  load(library: string): string | undefined;
  /** As in 580.65.06; undefined when no NVIDIA driver runs. */
  driverVersion(): string | undefined;
  /** GPUs that CUDA lets this process see, by ordinal; undefined when nobody knows. */
  gpus(): readonly Gpu[] | undefined;
}

export function thisHost(): CudaHost {
  const root = join(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')), '..');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  return {
    platform: `${platform}/${arch}`,
    folder: join(root, 'bin/napi-v6', platform, arch),
    runtimeVersion: version,
    load: tryLibrary,
    driverVersion,
    gpus: () => listGpus(env),
  };
}

/**
 * onnxruntime tells the loader's reason to stderr only; loading by hand gives it as text. What is
 * loaded is closed again.
 */
export function tryLibrary(library: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_LAZY);
  } catch (error) {
    const { message } = error as Error;
    // It is no Node addon, and Node only notices after it has loaded.
    return message.includes('did not self-register') ? undefined : message;
  }
  return undefined;
}

function driverVersion(): string | undefined {
  try {
    const text = readFileSync('/proc/driver/nvidia/version', 'utf8');
    return /Kernel Module.*?\s(\d+\.[\d.]+)/.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

/**
 * @param variables of CUDA, which nvidia-smi does not look at. CUDA_VISIBLE_DEVICES has indices or
 *   UUIDs; slices of a GPU (MIG-…) are not in the list, so nobody knows of them. Nor are GPUs of several
 *   kinds known by their index: CUDA counts them from the fastest, if not by CUDA_DEVICE_ORDER=PCI_BUS_ID.
 */
export function listGpus(
  variables: Readonly<Record<string, string | undefined>>,
  command = 'nvidia-smi',
): Gpu[] | undefined {
  const visible = variables['CUDA_VISIBLE_DEVICES'];
  const query = ['--query-gpu=index,uuid,name,memory.free', '--format=csv,noheader,nounits'];
  const { status, stdout } = spawnSync(command, query, { encoding: 'utf8', timeout: 20_000 });
  if (status !== 0 || visible?.includes('MIG-')) return undefined;
  const all = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [index = '', uuid = '', name = '', free = ''] = line.split(', ');
      return { index, uuid, name, freeMiB: Number(free) };
    });
  const hasOrder =
    variables['CUDA_DEVICE_ORDER'] === 'PCI_BUS_ID' ||
    new Set(all.map(({ name }) => name)).size < 2;
  const chosen: typeof all = [];
  for (const id of visible?.split(',') ?? all.map(({ index }) => index)) {
    const gpu = all.find(({ index, uuid }) => index === id.trim() || uuid.startsWith(id.trim()));
    if (!gpu || !id.trim()) break; // CUDA ignores all that follows a wrong one
    if (gpu.index === id.trim() && !hasOrder) return undefined;
    chosen.push(gpu);
  }
  return chosen.map(({ name, freeMiB }) => ({ name, freeMiB }));
}
