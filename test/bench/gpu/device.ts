/** Where the parts compute, and what the GPU's own tool tells of it. */
import { spawn, spawnSync } from 'node:child_process';

import { usableCores } from '../../../src/engine/devices/cores.ts';
import { parseDevices } from '../../../src/engine/devices/parse-devices.ts';
import type { Placement } from '../../../src/engine/devices/placement.ts';
import { obstacleOf, preflight, thisHost } from '../../../src/engine/index.ts';
import type { Model } from '../../../src/engine/model/model.ts';
import { layoutOf } from '../../../src/engine/tiling/layout.ts';
import type { Layout } from '../../../src/engine/tiling/layout.ts';

const query = ['--query-gpu=utilization.gpu,memory.used', '--format=csv,noheader,nounits'];

/** The same with one worker, where `cuda` has as many as there is room for. */
export const withOneWorker = (device: string): string => (device === 'cuda' ? 'cuda:0' : device);

/**
 * A device in either precision; a CPU has float32 only.
 * @throws Error that says what keeps the GPU from working
 */
export function placementOn(device: string, precision: Placement['precision']): Placement {
  const [placement] = parseDevices(device, usableCores(), precision);
  const isGpu = placement.provider === 'cuda';
  const obstacle = isGpu && obstacleOf(preflight([placement.ordinal], thisHost()));
  if (obstacle) throw new Error(`CUDA cannot be used: ${obstacle}`);
  return placement;
}

/** Canvases as a GPU has them, on the CPU too: else the pictures' edges would differ. */
export function canvasesOf(model: Model, maxBatch = 1): Layout {
  return layoutOf(model, { provider: 'cuda', threads: 1 }, { maxBatch });
}

/** Of the first GPU, all processes together; empty where nobody tells. */
export function gpuMemoryMiB(): number | string {
  const { stdout, error } = spawnSync('nvidia-smi', query, { encoding: 'utf8', timeout: 5000 });
  return error ? '' : (readings(stdout).at(-1)?.memory ?? '');
}

/** Looks at the first GPU five times a second. */
export function watchGpu() {
  const watching = spawn('nvidia-smi', ['--id=0', ...query, '--loop-ms=200']);
  let text = '';
  watching.stdout.on('data', (chunk) => (text += String(chunk)));
  watching.on('error', () => undefined); // there is none
  /** @returns percent of the time in which a kernel ran, on average; the most memory */
  const stop = () => {
    watching.kill();
    const seen = readings(text);
    if (seen.length === 0) return { percent: '', MiB: '' };
    const sum = seen.reduce((all, { percent }) => all + percent, 0);
    return { percent: sum / seen.length, MiB: Math.max(...seen.map(({ memory }) => memory)) };
  };
  return { stop };
}

function readings(text: string): { percent: number; memory: number }[] {
  return [...text.matchAll(/^(\d+), (\d+)$/gm)].map(([, percent, memory]) => ({
    percent: Number(percent),
    memory: Number(memory),
  }));
}
