import { updated, upperBound } from '../../weighted-mean.ts';
import type { WeightedMean } from '../../weighted-mean.ts';
import type { RunKind, Step } from '../tiling/plan.ts';

/** Milliseconds per megapixel. */
export type Speeds = Readonly<Record<RunKind, number>>;

export interface ServiceTimes {
  /** How long the steps should take together, in milliseconds. */
  estimate(steps: readonly Step[]): number;
  /** How long they take at most, as admission needs it; the steps may all be slow together. */
  bound(steps: readonly Step[]): number;
  /** Takes note that steps of one kind took `ms` together. */
  learn(steps: readonly Step[], ms: number): void;
}

/** Service times per megapixel, learnt from every run. */
export function createServiceTimes(initial: Speeds): ServiceTimes {
  const speeds = new Map<RunKind, WeightedMean>(
    Object.entries(initial).map(([kind, mean]) => [kind as RunKind, { mean, deviation: 0 }]),
  );
  const speedOf = (kind: RunKind) => speeds.get(kind) as WeightedMean;
  const sum = (steps: readonly Step[], msOf: (speed: WeightedMean) => number) =>
    steps.reduce((ms, { kind, megapixels }) => ms + msOf(speedOf(kind)) * megapixels, 0);
  return {
    estimate: (steps) => sum(steps, ({ mean }) => mean),
    bound: (steps) => sum(steps, upperBound),
    learn(steps, ms) {
      const [first] = steps;
      if (!first) return;
      const megapixels = steps.reduce((sum, step) => sum + step.megapixels, 0);
      speeds.set(first.kind, updated(speedOf(first.kind), ms / megapixels));
    },
  };
}
