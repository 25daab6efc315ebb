import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { readConfig } from '../../src/config.ts';
import type {
  createEngine,
  Engine,
  Seen,
  StylizeInput,
  StylizeRequest,
  Timed,
  WorkOptions,
} from '../../src/engine/index.ts';
import type { RgbImage } from '../../src/rgb-image.ts';
import { shippedFile } from '../../src/stylization/presets.ts';

export interface FakeEngine extends Engine {
  /** Throws what refuses a request. */
  admit(request: StylizeRequest, options: WorkOptions): void;
  paint(input: StylizeInput): Promise<Timed<RgbImage>>;
}

/**
 * That of the model that described the shipped presets: no application on a fake describes them
 * anew. What it takes for theirs are the file's first numbers.
 */
export const fakeDigest = digestIn(join(readConfig({}).ADAIN_MODELS_DIR, 'styles', shippedFile));

function digestIn(path: string): string {
  const file = readFileSync(path);
  const head = JSON.parse(file.toString('utf8', 0, file.indexOf('\n'))) as {
    by: { model: string };
  };
  return head.by.model;
}

/** An engine that answers at once with what came, for tests of everything around the engine. */
export const fakeEngine = (overrides: Partial<FakeEngine> = {}): typeof createEngine => {
  const engine: FakeEngine = {
    model: {
      name: 'fake',
      version: '0.0.0',
      digest: fakeDigest,
      parameters: 0,
      gmac512: 0,
      channels: 4,
      stride: 8,
      license: 'MIT',
    },
    provider: 'cpu',
    description: 'a fake',
    memoryBytes: 0,
    ready: true,
    live: true,
    admit: () => undefined,
    paint: ({ image }) => Promise.resolve(timed(image)),
    assertOpen: () => undefined,
    boundMs: () => 0,
    describe: () => Promise.resolve(timed(new Float32Array(8))),
    async stylize(request, options, prepare) {
      engine.admit(request, options);
      const signal = options.signal ?? new AbortController().signal;
      const describe: Engine['describe'] = (...args) => engine.describe(...args);
      const measure = ({ image }: Seen) => engine.describe(image);
      const paint = (input: StylizeInput) => engine.paint(input);
      return engine.paint(await prepare({ signal, describe, measure, paint }));
    },
    close: () => Promise.resolve(),
    ...overrides,
  };
  return () => Promise.resolve(engine);
};

export const timed = <T>(value: T) => ({ value, queueMs: 0, inferMs: 1, batchSize: 1 });
