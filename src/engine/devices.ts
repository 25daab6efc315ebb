import { createRequire } from 'node:module';
import { arch, platform } from 'node:process';
import { join } from 'node:path';
import type { Placement } from './runtime.ts';

/** Reads ADAIN_DEVICE's notation: cpu, cuda, cuda:1, or a list of GPUs as in cuda:0,cuda:1. */
export function parseDevices(device: string, threads: number): [Placement, ...Placement[]] {
  if (device === 'cpu') return [{ provider: 'cpu', ordinal: 0, threads }];
  const gpu = (name = ''): Placement => {
    const match = /^cuda(?::(\d+))?$/.exec(name.trim());
    if (!match) {
      throw new Error(`device ${device} is none of auto, cpu, cuda, cuda:0 or cuda:0,cuda:1`);
    }
    return { provider: 'cuda', ordinal: Number(match[1] ?? 0), threads };
  };
  const [first, ...others] = device.split(',');
  return [gpu(first), ...others.map(gpu)];
}

/**
 * Why CUDA cannot work here, or undefined when its provider library loads. The runtime itself
 * writes the reason to stderr only; loading the library by hand gives it as text.
 */
export function cudaObstacle(): string | undefined {
  const runtime = createRequire(import.meta.url).resolve('onnxruntime-node');
  const folder = join(runtime, '../../bin/napi-v6', platform, arch);
  try {
    process.dlopen({ exports: {} }, join(folder, 'libonnxruntime_providers_cuda.so'));
  } catch (error) {
    const { message } = error as Error;
    // It is no Node addon, and Node only notices after it has loaded.
    return message.includes('did not self-register') ? undefined : message;
  }
  return undefined;
}
