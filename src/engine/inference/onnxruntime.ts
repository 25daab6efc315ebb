/** The one file that knows onnxruntime. `run` blocks its thread: use it in worker threads only. */
import './no-telemetry.ts';
import ort from 'onnxruntime-node';
import type { Placement } from '../devices/placement.ts';

export type Tensor =
  | { readonly type: 'uint8'; readonly data: Uint8Array<ArrayBuffer>; readonly dims: number[] }
  | { readonly type: 'float32'; readonly data: Float32Array<ArrayBuffer>; readonly dims: number[] }
  | { readonly type: 'int64'; readonly data: BigInt64Array<ArrayBuffer>; readonly dims: number[] };

/** A graph that is ready to run. All graphs of the engine have exactly one output. */
export interface Session {
  /** The inputs must not be touched until the promise settles: the runtime does not copy them. */
  run(inputs: Readonly<Record<string, Tensor>>): Promise<Tensor>;
  release(): Promise<void>;
}

/** @param model an ONNX model's bytes */
export async function createSession(model: Uint8Array, placement: Placement): Promise<Session> {
  const session = await ort.InferenceSession.create(model, {
    executionProviders:
      placement.provider === 'cuda' ? [{ name: 'cuda', deviceId: placement.ordinal }] : ['cpu'],
    // Each session has threads of its own, and no node of those on a GPU runs on the CPU.
    intraOpNumThreads: placement.provider === 'cuda' ? 1 : placement.threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    // A pattern is a block for the values of a run beside the pool, which has grown to as much before
    // (src/DECISIONS.md).
    enableMemPattern: false,
    extra: {
      session: {
        // A node left on the CPU costs copies to and fro with every run: rather fail at the start.
        disable_cpu_ep_fallback: placement.provider === 'cuda' ? '1' : '0',
        // Threads that spin while they wait take the cores from codecs and HTTP: 3 to 6 % of throughput
        // (src/DECISIONS.md).
        intra_op: { allow_spinning: '0' },
      },
    },
  });
  const [output = ''] = session.outputNames;
  return {
    async run(inputs) {
      const feeds = Object.entries(inputs).map(([name, { type, data, dims }]) => [
        name,
        new ort.Tensor(type, data, dims),
      ]);
      const results = await session.run(Object.fromEntries(feeds) as Record<string, ort.Tensor>);
      const { type, data, dims } = results[output] as ort.Tensor;
      return { type, data, dims: [...dims] } as Tensor;
    },
    release: () => session.release(),
  };
}
