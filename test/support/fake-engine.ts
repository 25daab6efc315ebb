import type { createEngine } from '../../src/engine/index.ts';
import type { Engine, Reservation } from '../../src/engine/types.ts';

/** An engine that answers at once with what came, for tests of everything around the engine. */
export const fakeEngine =
  (overrides: Partial<Engine> = {}): typeof createEngine =>
  () =>
    Promise.resolve({
      model: {
        name: 'fake',
        version: '0.0.0',
        digest: '0'.repeat(64),
        parameters: 0,
        gmac512: 0,
        channels: 4,
        stride: 8,
        license: 'MIT',
      },
      provider: 'cpu',
      description: 'a fake',
      ready: true,
      live: true,
      describe: () => Promise.resolve(timed(new Float32Array(8))),
      reserve: () => place(({ image }) => Promise.resolve(timed(image))),
      close: () => Promise.resolve(),
      ...overrides,
    });

export const place = (stylize: Reservation['stylize']): Reservation => ({
  near: Promise.resolve(undefined),
  stylize,
  release: () => undefined,
});

export const timed = <T>(value: T) => ({ value, queueMs: 0, inferMs: 1, batchSize: 1 });
