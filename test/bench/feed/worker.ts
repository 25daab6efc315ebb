/**
 * A worker of the engine whose runs answer at once: all but the networks is the product's. It leaves
 * the number of its thread in the folder of the bench.
 */
import ort from 'onnxruntime-node';
import { readlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { workerData } from 'node:worker_threads';

import type { WorkerSetup } from '../../../src/engine/workers/messages.ts';
import { testPicture } from '../../engine/helpers.ts';

type Feeds = Readonly<Record<string, ort.Tensor | undefined>>;

const { channels } = (workerData as WorkerSetup).model;
const pictures = new Map<string, Uint8Array<ArrayBuffer>>();

/** What the graphs answer, by what they are fed with: pixels of the crop, or statistics. */
function answer({ pixels, 'crop-starts': from, 'crop-ends': to }: Feeds): ort.Tensor {
  const [count = 1] = pixels?.dims ?? [];
  if (!from || !to) {
    return new ort.Tensor('float32', new Float32Array(2 * count * channels), [count, 2, channels]);
  }
  const [height = 0, width = 0] = [0, 1].map((i) => Number(to.data[i]) - Number(from.data[i]));
  const dims = [count, height, width, 3];
  const picture = pictures.get(String(dims)) ?? testPicture(width, count * height).data;
  pictures.set(String(dims), picture);
  return new ort.Tensor('uint8', picture.slice(), dims);
}

const create = () =>
  Promise.resolve({
    outputNames: ['output'],
    run: (feeds: Feeds) => Promise.resolve({ output: answer(feeds) }),
    release: () => Promise.resolve(),
  });
Object.assign(ort.InferenceSession, { create });
Object.assign(workerData as WorkerSetup, { check: false }); // it would run the networks one by one

writeFileSync(
  join(process.env['FEED_FOLDER'] ?? '', basename(readlinkSync('/proc/thread-self'))),
  '',
);
await import(new URL('../../../dist/engine/workers/worker-main.js', import.meta.url).href);
