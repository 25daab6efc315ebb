import type { Placement } from './placement.ts';

/** What ADAIN_DEVICE may say; `auto` is for whoever tries one device after another. */
export const devicePattern = /^(auto|cpu|cuda(:\d+)?(, *cuda(:\d+)?)*)$/;

/**
 * Reads ADAIN_DEVICE's notation: cpu, cuda, cuda:1, or a list of GPUs as in cuda:0,cuda:1.
 * @param precision of GPUs; a CPU gains nothing by float16
 */
export function parseDevices(
  device: string,
  threads: number,
  precision: Placement['precision'] = 'float16',
): [Placement, ...Placement[]] {
  if (device === 'cpu') return [{ provider: 'cpu', ordinal: 0, threads, precision: 'float32' }];
  if (device === 'auto' || !devicePattern.test(device)) {
    throw new Error(`device ${device} is none of auto, cpu, cuda, cuda:0 or cuda:0,cuda:1`);
  }
  const gpu = (name = ''): Placement => {
    const [, ordinal = 0] = name.split(':');
    return { provider: 'cuda', ordinal: Number(ordinal), threads, precision };
  };
  const [first, ...others] = device.split(',');
  return [gpu(first), ...others.map(gpu)];
}
