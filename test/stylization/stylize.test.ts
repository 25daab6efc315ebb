import t from 'tap';

import { createMemoryBudget } from '../../src/memory-budget.ts';
import { createStages } from '../../src/observability/stages.ts';
import { createEncodeTimes } from '../../src/stylization/encode-times.ts';
import { stylizePicture } from '../../src/stylization/stylize.ts';
import { photo } from '../support/app.ts';
import { fakeEngine, type FakeEngine } from '../support/fake-engine.ts';

t.test('time for encoding: learnt, and never more than half of what is left', async (t) => {
  const given: number[] = [];
  const admit: FakeEngine['admit'] = (_request, { deadline = NaN }) => {
    given.push(deadline - performance.now());
  };
  const stylizer = {
    engine: await fakeEngine({ admit })({} as never),
    styles: {
      open: () => {
        const known = { id: 'a', statistics: new Float32Array(8), outcome: 'hit' as const };
        const nothing = { newSize: undefined, decodeBytes: 0, heldBytes: 0 };
        return Promise.resolve([{ ...nothing, resolve: () => Promise.resolve(known) }]);
      },
    },
    maxPixels: 1e6,
    maxFrames: 10,
    encodeTimes: createEncodeTimes(),
    memory: createMemoryBudget(1e9, () => undefined),
  };
  const request = {
    content: await photo(),
    frames: 'first' as const,
    styles: [{ kind: 'id' as const, id: 'a' }],
    counts: [{ weight: 1, alpha: 1 }],
    masks: [],
    color: 'style' as const,
    strokes: 1,
    quality: 85,
    chooseFormat: () => 'jpeg' as const,
  };
  const stylize = () => {
    const signal = new AbortController().signal;
    const deadline = performance.now() + 1e6;
    const memory = stylizer.memory.forRequest();
    return stylizePicture(stylizer, request, { stages: createStages(), memory, signal, deadline });
  };
  await stylize();
  stylizer.encodeTimes.learn('jpeg', { width: 1000, height: 1000 }, 400_000);
  await stylize();
  for (let i = 0; i < 20; i++) {
    stylizer.encodeTimes.learn('jpeg', { width: 1000, height: 1000 }, 1e8);
  }
  await stylize();
  const [first = NaN, slow = NaN, stalled = NaN] = given;
  t.ok(first > 9e5, 'nearly everything');
  t.ok(slow < 9.7e5 && slow > 5.1e5, 'less after a slow one');
  t.ok(stalled <= 5e5 && stalled > 4e5, 'half at least, whatever happened before');
});
