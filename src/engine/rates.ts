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
  /** Takes note that steps of one kind took `ms` together. */
  learn(steps: readonly Step[], ms: number): void;
}

/** How much one observation counts; the influence of old ones halves every three. */
const weight = 0.2;

/** Service times per megapixel, learnt as exponentially weighted means. */
export function createRates(initial: Speeds): Rates {
  const speeds: Record<Kind, number> = { ...initial };
  return {
    estimate: (steps) =>
      steps.reduce((ms, { kind, megapixels }) => ms + speeds[kind] * megapixels, 0),
    learn(steps, ms) {
      const [first] = steps;
      if (!first) return;
      const { kind } = first;
      const megapixels = steps.reduce((sum, step) => sum + step.megapixels, 0);
      speeds[kind] += weight * (ms / megapixels - speeds[kind]);
    },
  };
}
