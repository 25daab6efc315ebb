import type { Provider } from '../types.ts';

/** Where and how a worker computes. */
export interface Placement {
  readonly provider: Provider;
  /** Which GPU; 0 on the CPU. */
  readonly ordinal: number;
  /** Threads of one operator on the CPU. */
  readonly threads: number;
  /** Of weights and convolutions; all else is float32. */
  readonly precision: 'float32' | 'float16';
}
