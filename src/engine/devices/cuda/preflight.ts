/** Everything that CUDA needs, looked at one by one, so that what is missing has a name. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { embeddedVersions, neededLibraries } from './elf.ts';
import type { CudaHost } from './host.ts';

export interface Check {
  readonly name: string;
  readonly state: 'pass' | 'fail' | 'unknown';
  /** What was found. */
  readonly detail: string;
  /** What to do, where it failed. */
  readonly remedy?: string;
}

const provider = 'libonnxruntime_providers_cuda.so';
const shared = 'libonnxruntime_providers_shared.so';
/** The first driver that a CUDA runtime of that generation works with. */
const oldestDriver: Readonly<Record<string, string>> = { 11: '450.80', 12: '525.60', 13: '580.65' };
/** Opened by the provider at its first convolution, so that the loader does not miss it. */
const cudnn = 'libcudnn.so.9';
/** A CUDA context alone takes some hundreds of MiB. */
const leastFreeMiB = 1024;

/**
 * Looks for what keeps CUDA from working on the devices with these ordinals. Stops where what
 * follows could not be looked at. All passed is no proof: only an inference is.
 */
export function preflight(ordinals: readonly number[], host: CudaHost): Check[] {
  const found = [checkPlatform(host)];
  if (failed(found)) return found;
  found.push(checkProviderFiles(host));
  if (failed(found)) return found;
  found.push(checkVersion(host), checkDriver(host), ...checkLibraries(host));
  if (!failed(found)) found.push(checkProvider(host));
  return [...found, ...checkDevices(ordinals, host)];
}

const failed = (checks: readonly Check[]) => checks.some(({ state }) => state === 'fail');

/** Why CUDA cannot be used, with the remedies; undefined when nothing failed. */
export function obstacleOf(checks: readonly Check[]): string | undefined {
  const texts = checks
    .filter(({ state }) => state === 'fail')
    .map(({ detail, remedy = '' }) => `${detail}: ${remedy}`);
  return texts.length > 0 ? texts.join('; ') : undefined;
}

function checkPlatform({ platform }: CudaHost): Check {
  const name = 'platform';
  if (platform === 'linux/x64') return { name, state: 'pass', detail: platform };
  const detail = `onnxruntime-node has CUDA for linux/x64, and this is ${platform}`;
  return { name, state: 'fail', detail, remedy: 'set ADAIN_DEVICE=cpu' };
}

function checkProviderFiles({ folder }: CudaHost): Check {
  const name = 'provider';
  const missing = [provider, shared].filter((file) => !existsSync(join(folder, file)));
  if (missing.length === 0) return { name, state: 'pass', detail: join(folder, provider) };
  return {
    name,
    state: 'fail',
    detail: `${missing.join(' and ')} not in ${folder}`,
    remedy:
      'use the image of target cuda, or fetch it in node_modules/onnxruntime-node: ONNXRUNTIME_NODE_INSTALL=true node script/install.js',
  };
}

function checkVersion({ folder, runtimeVersion }: CudaHost): Check {
  const name = 'version';
  const versions = embeddedVersions(join(folder, provider));
  if (versions.includes(runtimeVersion)) {
    return { name, state: 'pass', detail: `provider and onnxruntime are both ${runtimeVersion}` };
  }
  // Other libraries are linked in and have versions of their own: only 1.x can be onnxruntime's.
  const others = versions.filter((version) => version.startsWith('1.'));
  if (others.length === 0) return { name, state: 'unknown', detail: 'the provider does not tell' };
  return {
    name,
    state: 'fail',
    detail: `the provider is of version ${others.join(' or ')}, onnxruntime of ${runtimeVersion}`,
    remedy: `put the provider of ${runtimeVersion} there`,
  };
}

/** As in 12, from libcudart.so.12; undefined for a provider that was built otherwise. */
function cudaMajor(host: CudaHost): string | undefined {
  const runtime = /^libcudart\.so\.(\d+)$/;
  const needs = neededLibraries(join(host.folder, provider));
  return needs.map((library) => runtime.exec(library)?.[1]).find(Boolean);
}

function checkDriver(host: CudaHost): Check {
  const name = 'driver';
  const reason = host.load('libcuda.so.1');
  if (reason) {
    return {
      name,
      state: 'fail',
      detail: `the NVIDIA driver's libcuda.so.1 cannot be loaded (${reason})`,
      remedy:
        'a container gets it from the host: docker run --gpus all with the NVIDIA container toolkit, nvidia.com/gpu in Kubernetes; elsewhere install the driver',
    };
  }
  const version = host.driverVersion();
  if (!version) return { name, state: 'unknown', detail: 'loads, but no driver tells its version' };
  const major = cudaMajor(host);
  const oldest = oldestDriver[major ?? ''];
  if (oldest && isOlder(version, oldest)) {
    return {
      name,
      state: 'fail',
      detail: `driver ${version} is too old for CUDA ${major ?? ''}`,
      remedy: `install driver ${oldest} or newer on the host`,
    };
  }
  return { name, state: 'pass', detail: version };
}

function isOlder(version: string, than: string): boolean {
  const [a = 0, b = 0] = version.split('.').map(Number);
  const [major = 0, minor = 0] = than.split('.').map(Number);
  return a < major || (a === major && b < minor);
}

function checkLibraries(host: CudaHost): Check[] {
  const needs = neededLibraries(join(host.folder, provider));
  const major = cudaMajor(host) ?? '12';
  const others = needs.filter((library) => library !== 'libcuda.so.1'); // the driver's
  return [
    checkSonames(host, 'CUDA', others, `CUDA ${major}`),
    checkSonames(host, 'cuDNN', [cudnn], `cuDNN 9 for CUDA ${major}`),
  ];
}

function checkSonames(host: CudaHost, name: string, sonames: string[], what: string): Check {
  // The provider finds neighbours by its own run path, which is not ours.
  const foreign = sonames.filter((soname) => !existsSync(join(host.folder, soname)));
  const missing = foreign.flatMap((soname) => host.load(soname) ?? []);
  const [first] = missing;
  if (!first) return { name, state: 'pass', detail: sonames.filter(isCuda).join(', ') };
  const names = missing.map((reason) => reason.split(':')[0]).join(', ');
  return {
    name,
    state: 'fail',
    detail: `${names} cannot be loaded (${first})`,
    remedy: `install ${what} or name its folder in LD_LIBRARY_PATH; the image of target cuda has it`,
  };
}

const isCuda = (library: string) => library.startsWith('libcu');

/** The loader's own word: it finds what no list of names does, such as a symbol. */
function checkProvider(host: CudaHost): Check {
  const name = 'provider loads';
  const reason = host.load(join(host.folder, provider));
  // onnxruntime gives it this symbol from the shared library, which it opens first: all else is there.
  if (!reason || /undefined symbol: Provider_GetHost\b/.test(reason)) {
    return { name, state: 'pass', detail: provider };
  }
  return { name, state: 'fail', detail: reason, remedy: 'provide what it names, in that version' };
}

function checkDevices(ordinals: readonly number[], host: CudaHost): Check[] {
  const found = host.gpus();
  if (!found) {
    const detail =
      'nvidia-smi is not here, or cannot tell which is which: of slices, and of several kinds without CUDA_DEVICE_ORDER=PCI_BUS_ID';
    return [{ name: 'devices', state: 'unknown', detail }];
  }
  const seen = found.map(({ name }, ordinal) => `${ordinal} ${name}`).join(', ') || 'none';
  return ordinals.map((ordinal): Check => {
    const name = `device ${ordinal}`;
    const gpu = found[ordinal];
    if (!gpu) {
      return {
        name,
        state: 'fail',
        detail: `there is no CUDA device ${ordinal}; devices: ${seen}`,
        remedy:
          'choose one of them in ADAIN_DEVICE, or give the process more (CUDA_VISIBLE_DEVICES, --gpus)',
      };
    }
    const detail = `${gpu.name}, ${gpu.freeMiB} MiB free`;
    if (!(gpu.freeMiB < leastFreeMiB)) return { name, state: 'pass', detail };
    const remedy = `end what else uses it: at least ${leastFreeMiB} MiB are needed to begin with`;
    return {
      name,
      state: 'fail',
      detail: `device ${ordinal} has too little memory: ${detail}`,
      remedy,
    };
  });
}
