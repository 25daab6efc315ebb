import { learn, upperBound } from './weighted-mean.ts';
import type { Estimate } from './weighted-mean.ts';

/** What a worker does in one go; each kind has a speed of its own. */
export type Kind = 'describe' | 'stylize' | 'tile-moments' | 'tile-stylize';

/** A part of a task that runs without interruption. */
export interface Step {
  readonly kind: Kind;
  /** Pixels the networks compute over, in millions: those of the padded canvas or tile. */
  readonly megapixels: number;
}

/** Milliseconds per megapixel. */
export type Speeds = Readonly<Record<Kind, number>>;

export interface Rates {
  /** How long the steps should take together, in milliseconds. */
  estimate(steps: readonly Step[]): number;
  /** How long they take at most, as a promise needs it; the steps may all be slow together. */
  bound(steps: readonly Step[]): number;
  /** Takes note that steps of one kind took `ms` together. */
  learn(steps: readonly Step[], ms: number): void;
}

/** Service times per megapixel, learnt from every run. */
export function createRates(initial: Speeds): Rates {
  const speeds = new Map<Kind, Estimate>(
    Object.entries(initial).map(([kind, mean]) => [kind as Kind, { mean, deviation: 0 }]),
  );
  const speedOf = (kind: Kind) => speeds.get(kind) as Estimate;
  const sum = (steps: readonly Step[], msOf: (speed: Estimate) => number) =>
    steps.reduce((ms, { kind, megapixels }) => ms + msOf(speedOf(kind)) * megapixels, 0);
  return {
    estimate: (steps) => sum(steps, ({ mean }) => mean),
    bound: (steps) => sum(steps, upperBound),
    learn(steps, ms) {
      const [first] = steps;
      if (!first) return;
      const megapixels = steps.reduce((sum, step) => sum + step.megapixels, 0);
      speeds.set(first.kind, learn(speedOf(first.kind), ms / megapixels));
    },
  };
}
