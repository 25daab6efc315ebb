/** What the engine's thread and a worker's thread say to each other. */
import type { Placement } from '../devices/placement.ts';
import type { Model } from '../model/model.ts';
import type { Outcome } from '../scheduling/runner.ts';
import type { Speeds } from '../scheduling/service-times.ts';
import type { Layout } from '../tiling/layout.ts';
import type { Plan } from '../tiling/plan.ts';
import type { Seen, StylizeInput } from '../types.ts';

/** A worker's `workerData`. */
export interface WorkerSetup {
  readonly model: Model;
  readonly placement: Placement;
  readonly layout: Layout;
  /** Whether to check first that model.json fits the networks: once a model will do. */
  readonly check: boolean;
  /** What another thread has measured, where this one only runs whole pictures in its stead. */
  readonly speeds?: Speeds;
}

/** What is computed without interruption. One reply. All pictures of a batch have the plan's size. */
export type RunMessage =
  | { readonly kind: 'describe'; readonly plan: Plan; readonly items: readonly Seen[] }
  | { readonly kind: 'stylize'; readonly plan: Plan; readonly items: readonly StylizeInput[] }
  | TileMessage;

/** What is transferred with a run: the pixels, and all else that is as large. */
export function buffersOf(message: RunMessage): ArrayBuffer[] {
  const inputs: readonly (Partial<StylizeInput> | undefined)[] =
    message.kind === 'tile' ? [message.picture?.input] : message.items;
  return inputs.flatMap((input) => {
    const views = [input?.image?.data, input?.photograph?.data, input?.coverage, input?.shares];
    return views.flatMap((view) => view?.buffer ?? []);
  });
}

/** One tile of a large picture; the first message brings the picture. */
export interface TileMessage {
  readonly kind: 'tile';
  readonly id: number;
  readonly picture?: { readonly plan: Plan; readonly input: StylizeInput };
}

export type Message =
  | RunMessage
  /** Forget a large picture. No reply. */
  | { readonly kind: 'drop'; readonly id: number }
  /** Release the sessions and let the thread end. No reply. */
  | { readonly kind: 'close' };

export type Reply =
  /** Every kind of run that it is for has succeeded once, at these speeds. */
  | { readonly kind: 'ready'; readonly speeds: Speeds }
  /** An outcome per item in their order; none while a large picture is unfinished. */
  | { readonly kind: 'done'; readonly outcomes: readonly Outcome[] };
