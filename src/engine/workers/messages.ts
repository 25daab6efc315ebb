/** What the engine's thread and a worker's thread say to each other. */
import type { RgbImage } from '../../rgb-image.ts';
import type { Layout } from '../tiling/layout.ts';
import type { Model } from '../model/model.ts';
import type { Speeds } from '../scheduling/service-times.ts';
import type { Placement } from '../inference/onnxruntime.ts';
import type { StyleStatistics, StylizeInput } from '../types.ts';

/** A worker's `workerData`. */
export interface WorkerSetup {
  readonly model: Model;
  readonly placement: Placement;
  readonly layout: Layout;
}

/** A command with one reply. All pictures of a batch have one size. */
export type Job =
  | { readonly kind: 'describe'; readonly items: readonly RgbImage[] }
  | { readonly kind: 'stylize'; readonly items: readonly StylizeInput[] }
  /** One tile of a large picture; its first job brings the picture. */
  | { readonly kind: 'tile'; readonly id: number; readonly input?: StylizeInput };

export type Command =
  | Job
  /** Forget a large picture. No reply. */
  | { readonly kind: 'drop'; readonly id: number }
  /** Release the sessions and let the thread end. No reply. */
  | { readonly kind: 'close' };

export type Outcome = { readonly value: StyleStatistics | RgbImage } | { readonly error: unknown };

export type Reply =
  /** Every kind of work has succeeded once, at these speeds. */
  | { readonly kind: 'ready'; readonly speeds: Speeds }
  /** An outcome per item in their order; none while a large picture is unfinished. */
  | { readonly kind: 'done'; readonly outcomes: readonly Outcome[] };
