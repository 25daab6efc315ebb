import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { WorkerOptions } from 'node:worker_threads';
import '../inference/no-telemetry.ts';
import type { Outcome } from '../scheduling/runner.ts';
import { buffersOf } from './messages.ts';
import type { Message, Reply, RunMessage, WorkerSetup } from './messages.ts';
import type { Speeds } from '../scheduling/service-times.ts';

/** A running worker. It takes one run at a time. */
export interface WorkerThread {
  /** What its warm-up measured. */
  readonly speeds: Speeds;
  /** Rejects when the thread ends before it answers. Pixels are transferred. */
  run(message: RunMessage): Promise<readonly Outcome[]>;
  /** Forgets a large picture. */
  drop(id: number): void;
  /**
   * Ends the thread after the run under way: stopping it inside onnxruntime would abort the
   * process.
   */
  close(): void;
  /** Why the thread ended. */
  readonly ended: Promise<Error>;
}

/** Beside this file, with its extension: .ts from the sources, .js from the build. */
export const workerFile = new URL(`./worker-main${extname(import.meta.url)}`, import.meta.url);

/** Resolves when the worker has warmed up, rejects with what kept it from that. */
export async function startWorkerThread(
  setup: WorkerSetup,
  file = workerFile,
): Promise<WorkerThread> {
  const worker = newWorker(file, { workerData: setup, name: 'engine' });
  let failure: Error | undefined;
  let waiting: { resolve: (reply: Reply) => void; reject: (reason: Error) => void } | undefined;
  worker.on('message', (reply: Reply) => waiting?.resolve(reply));
  worker.on('error', (error: unknown) => {
    failure = error instanceof Error ? error : new Error(String(error));
  });
  const ended = new Promise<Error>((resolve) => {
    worker.once('exit', (code) => {
      const reason = failure ?? new Error(`The worker thread ended with exit code ${code}`);
      waiting?.reject(reason);
      resolve(reason);
    });
  });
  const nextReply = () =>
    new Promise<Reply>((resolve, reject) => {
      waiting = { resolve, reject };
    });

  const { speeds } = (await nextReply()) as Extract<Reply, { kind: 'ready' }>;
  return {
    speeds,
    ended,
    async run(message) {
      // A thread that ended while it was idle answers nothing any more.
      if (worker.threadId < 0) throw await ended;
      worker.postMessage(message, buffersOf(message));
      const { outcomes } = (await nextReply()) as Extract<Reply, { kind: 'done' }>;
      return outcomes;
    },
    drop(id) {
      worker.postMessage({ kind: 'drop', id } satisfies Message);
    },
    close() {
      worker.postMessage({ kind: 'close' } satisfies Message);
    },
  };
}

function newWorker(file: URL, options: WorkerOptions): Worker {
  if (extname(file.pathname) === '.js') return new Worker(file, options);
  // `--import tsx` hooks the main thread only: a worker that runs the sources asks for it itself.
  const run = `import('tsx/esm/api').then(({ register }) => { register(); return import('${file.href}'); })`;
  return new Worker(run, { ...options, eval: true });
}
