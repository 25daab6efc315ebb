import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { WorkerOptions } from 'node:worker_threads';
import type { Command, Reply, WorkerSetup } from './protocol.ts';

export type Done = Extract<Reply, { kind: 'done' }>;

/** A running worker. It takes one command at a time. */
export interface WorkerThread {
  /** Rejects when the thread ends before it answers. The buffers are transferred. */
  run(command: Exclude<Command, { kind: 'close' }>, buffers: readonly ArrayBuffer[]): Promise<Done>;
  /** Lets a run in progress finish: ending a thread inside onnxruntime aborts the process. */
  close(): Promise<void>;
}

// Beside this file, with its extension: .ts from the sources, .js from the build.
const workerFile = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);

/** Resolves when the worker's sessions are made, rejects with what kept them from it. */
export async function startThread(setup: WorkerSetup): Promise<WorkerThread> {
  const thread = newWorker(workerFile, { workerData: setup, name: 'engine' });
  const exited = new Promise<void>((resolve) =>
    thread.once('exit', () => {
      resolve();
    }),
  );
  await nextReply(thread);
  return {
    async run(command, buffers) {
      thread.postMessage(command, buffers);
      return (await nextReply(thread)) as Done;
    },
    async close() {
      thread.postMessage({ kind: 'close' } satisfies Command);
      await exited;
    },
  };
}

function nextReply(thread: Worker): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      thread.off('message', onMessage).off('error', onError).off('exit', onExit);
      act();
    };
    const onMessage = (reply: Reply) => {
      settle(() => {
        resolve(reply);
      });
    };
    const onError = (error: unknown) => {
      settle(() => {
        reject(error instanceof Error ? error : new Error(String(error)));
      });
    };
    const onExit = (code: number) => {
      settle(() => {
        reject(new Error(`The worker thread ended with code ${code}`));
      });
    };
    thread.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}

function newWorker(file: URL, options: WorkerOptions): Worker {
  if (extname(file.pathname) === '.js') return new Worker(file, options);
  // `--import tsx` hooks the main thread only, so a worker that runs the sources asks for it itself.
  const run = `import('tsx/esm/api').then(({ register }) => { register(); return import('${file.href}'); })`;
  return new Worker(run, { ...options, eval: true });
}
