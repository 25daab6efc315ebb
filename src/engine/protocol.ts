/** What the engine's thread and a worker's thread say to each other: one command, one reply. */
import type { RgbImage } from '../rgb-image.ts';
import type { Model } from './model.ts';
import type { Placement } from './runtime.ts';
import type { StyleStatistics, StylizeInput } from './types.ts';

export interface WorkerSetup {
  readonly model: Model;
  readonly placement: Placement;
}

/** All pictures of a command have one size. */
export type Command =
  | { readonly kind: 'describe'; readonly items: readonly RgbImage[] }
  | { readonly kind: 'stylize'; readonly items: readonly StylizeInput[] }
  /** Release the sessions and let the thread end. */
  | { readonly kind: 'close' };

export type Outcome = { readonly value: StyleStatistics | RgbImage } | { readonly error: unknown };

export type Reply =
  | { readonly kind: 'ready' }
  /** One outcome per item, in their order; `ms` is what the items took together. */
  | { readonly kind: 'done'; readonly outcomes: readonly Outcome[]; readonly ms: number };
