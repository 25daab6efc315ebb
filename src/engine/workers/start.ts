import type { CudaHost } from '../devices/cuda/host.ts';
import { thisHost } from '../devices/cuda/host.ts';
import { explainFault } from '../devices/cuda/faults.ts';
import { obstacleOf, preflight } from '../devices/cuda/preflight.ts';
import { usableCores } from '../devices/cores.ts';
import { gpuWorkers } from '../devices/gpu-workers.ts';
import { parseDevices } from '../devices/parse-devices.ts';
import type { Placement } from '../devices/placement.ts';
import type { WorkerThread } from './worker-thread.ts';

export interface StartOptions {
  readonly device: string;
  readonly precision?: Placement['precision'];
  readonly threads?: number | undefined;
  /** What the process may use; unbounded by default. */
  readonly memoryBytes?: number;
}

export type StartWorker = (placement: Placement) => Promise<WorkerThread>;

export interface Started {
  readonly placements: readonly [Placement, ...Placement[]];
  /** One for each placement. */
  readonly threads: readonly [WorkerThread, ...WorkerThread[]];
  readonly description: string;
}

/**
 * Starts a worker on each device, on `cuda` as many as there is room for. `auto` takes that if it works
 * and says why not otherwise; a device asked for must work.
 * @throws Error that names the device at fault, and what its error means
 */
export async function startWorkers(
  { device, precision, threads = usableCores(), memoryBytes = Infinity }: StartOptions,
  start: StartWorker,
  host = thisHost(),
): Promise<Started> {
  const parse = (name: string) => {
    const [first, ...others] = parseDevices(name, threads, precision);
    if (name !== 'cuda') return [first, ...others] as const;
    const freeMiB = host.gpus()?.[first.ordinal]?.freeMiB;
    const count = gpuWorkers({ cores: threads, memoryBytes, freeMiB });
    return [first, ...Array.from({ length: count - 1 }, () => first)] as const;
  };
  if (device !== 'auto') return startAll(parse(device), '', start, host);
  try {
    return await startAll(parse('cuda'), '', start, host);
  } catch (error) {
    const reason = ` (no GPU: ${(error as Error).message})`;
    return startAll(parse('cpu'), reason, start, host);
  }
}

async function startAll(
  placements: Started['placements'],
  reason: string,
  start: StartWorker,
  host: CudaHost,
): Promise<Started> {
  const gpus = placements.filter(({ provider }) => provider === 'cuda');
  const obstacle = gpus.length > 0 && obstacleOf(preflight(gpus.map(ordinalOf), host));
  if (obstacle) throw new Error(`CUDA cannot be used: ${obstacle}`);
  const started = await Promise.allSettled(placements.map(start));
  const [first, ...others] = started.flatMap((one) =>
    one.status === 'fulfilled' ? one.value : [],
  );
  const failed = started.find((one) => one.status === 'rejected');
  if (failed || !first) {
    for (const thread of [first, ...others]) thread?.close();
    throw failed?.reason;
  }
  const names = placements.map(({ provider, ordinal, threads, precision }) =>
    provider === 'cpu' ? `CPU with ${threads} threads` : `CUDA device ${ordinal} in ${precision}`,
  );
  return { placements, threads: [first, ...others], description: counted(names) + reason };
}

function counted(names: readonly string[]): string {
  const count = (name: string) => names.filter((other) => other === name).length;
  return [...new Set(names)]
    .map((name) => (count(name) > 1 ? `${name} with ${count(name)} workers` : name))
    .join(', ');
}

const ordinalOf = ({ ordinal }: Placement) => ordinal;

/** Says which GPU it was and what its error means. */
export function rethrowFrom({ provider, ordinal }: Placement): (error: Error) => never {
  return (error) => {
    if (provider === 'cpu') throw error;
    const what = explainFault(error.message);
    throw new Error(`CUDA device ${ordinal} cannot be used: ${what}`, { cause: error });
  };
}
