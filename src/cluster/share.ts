import cluster from 'node:cluster';

import type { Config } from '../config.ts';
import { thisHost, usableCores, type CudaHost, type Gpu } from '../engine/index.ts';
import { usableMemory } from '../memory-budget.ts';

/** What a machine has for the service. */
export interface Machine {
  readonly cores: number;
  readonly memoryBytes: number;
  /** By ordinal, as they are while the service has nothing on them; undefined where nobody knows. */
  readonly gpus: readonly Gpu[] | undefined;
}

/** What one of the processes is told at its start. */
export interface Share {
  /** From 1; who takes the place of another has its number. */
  readonly number: number;
  /** The whole service's, but for what is divided. */
  readonly config: Config;
  readonly gpus: Machine['gpus'];
}

/** Resident in the primary: 102 MB after 300 scrapes of two processes. */
const primaryBytes = 120e6;

/**
 * The part of each of ADAIN_PROCESSES: cores, memory, connections, and what is free of the GPUs, which
 * is looked up once, before any of them has taken its part.
 */
export function shareOf(config: Config, machine: Machine): Omit<Share, 'number'> {
  const count = config.ADAIN_PROCESSES;
  const cores = config.ADAIN_THREADS ?? machine.cores;
  const memoryBytes = config.ADAIN_MEMORY_BYTES ?? machine.memoryBytes;
  return {
    config: {
      ...config,
      ADAIN_THREADS: Math.max(1, Math.floor(cores / count)),
      ADAIN_MEMORY_BYTES: Math.floor((memoryBytes - primaryBytes) / count),
      ADAIN_MAX_CONNECTIONS: Math.ceil(config.ADAIN_MAX_CONNECTIONS / count),
    },
    gpus: machine.gpus?.map((gpu) => ({ ...gpu, freeMiB: Math.floor(gpu.freeMiB / count) })),
  };
}

export const thisMachine = ({ ADAIN_DEVICE }: Config): Machine => ({
  cores: usableCores(),
  memoryBytes: usableMemory(),
  gpus: ADAIN_DEVICE === 'cpu' ? undefined : thisHost().gpus(),
});

/** This machine with a share of its GPUs: by that a process chooses its workers. */
export const hostOf = ({ gpus }: Pick<Share, 'gpus'>): CudaHost => ({
  ...thisHost(),
  gpus: () => gpus,
});

/** No setting: the primary has it for its children alone. */
const variable = 'SHARE_OF_ADAIN_SERVER';

export const environmentOf = (share: Share) => ({ [variable]: JSON.stringify(share) });

/** Undefined where this process is no child of a primary of ours. */
export function shareOfThisProcess(): Share | undefined {
  const text = process.env[variable];
  return cluster.isWorker && text ? (JSON.parse(text) as Share) : undefined;
}
