/** How many workers share a GPU, if nobody says. */

const mebibyte = 2 ** 20;

/** Beyond four the HTTP thread is busy before they are (src/DECISIONS.md). */
const most = 4;
/** Of each worker, of the codecs that feed it, and of the HTTP thread's share, while a GPU is busy. */
const coresEach = 4;
/** Resident, with their libraries. */
const [processMiB, workerMiB] = [1100, 600];
/** On the GPU: context, weights, features and workspaces, in float16 and one picture at a time. */
const deviceMiB = 4300;
/** What workers may take of either memory: precision, tiles and batches are the operator's. */
const share = 1 / 2;

export interface Room {
  readonly cores: number;
  /** What the process may use, in bytes. */
  readonly memoryBytes: number;
  /** Of the GPU; undefined where nobody knows. */
  readonly freeMiB: number | undefined;
}

/** At least one: whether there is room for that, its start will tell. */
export function gpuWorkers({ cores, memoryBytes, freeMiB = 0 }: Room): number {
  const room = [
    cores / coresEach,
    (share * (memoryBytes / mebibyte) - processMiB) / workerMiB,
    (share * freeMiB) / deviceMiB,
  ];
  return Math.max(1, Math.floor(Math.min(most, ...room)));
}
