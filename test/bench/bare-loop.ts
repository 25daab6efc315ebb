/**
 * What a service is measured against: a loop that does nothing but run the stylize graph, one
 * picture after another, in a process of its own. It is the same graph with the same threads and
 * the same priority as the server's worker. With `codec` every picture is also decoded before and
 * encoded after its run, as the server does it, in the same loop.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { stylizeFeeds } from '../../src/engine/inference/feeds.ts';
import type { Feeds } from '../../src/engine/inference/feeds.ts';
import { serialize } from '../../src/engine/model/graph/builder.ts';
import { stylizeGraph } from '../../src/engine/model/graph/graphs.ts';
import { createSession } from '../../src/engine/inference/onnxruntime.ts';
import { planWhole } from '../../src/engine/tiling/plan.ts';
import { configureImaging } from '../../src/imaging/configure.ts';
import { openContent } from '../../src/imaging/decode.ts';
import { encodePicture } from '../../src/imaging/encode.ts';
import type { RgbImage } from '../../src/rgb-image.ts';
import { allCores, ourNetworks } from './networks.ts';

interface Order {
  readonly jpeg: Uint8Array;
  readonly codec: boolean;
  readonly count: number;
}

export interface BareLoop {
  /** Paints the picture `count` times. @returns milliseconds of each */
  run(order: Order): Promise<number[]>;
  stop(): void;
}

export function startBareLoop(): BareLoop {
  const child = fork(fileURLToPath(import.meta.url), { serialization: 'advanced' });
  return {
    async run(order) {
      child.send(order);
      const [times] = (await once(child, 'message')) as [number[]];
      return times;
    },
    stop: () => {
      child.disconnect();
    },
  };
}

async function serve(): Promise<void> {
  configureImaging({ threads: 1 });
  const networks = await ourNetworks();
  const session = await createSession(serialize(stylizeGraph(networks)), allCores);

  const feedsOf = (image: RgbImage): Feeds => {
    // Any statistics do: the time does not depend on them.
    const statistics = new Float32Array(2 * networks.channels).fill(1);
    return stylizeFeeds([{ image, statistics, alpha: 1 }], planWhole(image, networks), networks);
  };

  process.on('message', (order: Order) => void obey(order));
  async function obey({ jpeg, codec, count }: Order): Promise<void> {
    const decode = async () => {
      const limits = { maxPixels: Infinity, field: 'content' };
      const content = await openContent(Buffer.from(jpeg), limits);
      return (await content.decode()).image;
    };
    const feeds = feedsOf(await decode());
    const times: number[] = [];
    while (times.length < count) {
      const start = performance.now();
      if (codec) {
        const image = await decode();
        const painted = await session.run(feedsOf(image));
        const data = painted.data as RgbImage['data'];
        await encodePicture({ ...image, data }, undefined, 'jpeg', 85);
      } else {
        await session.run(feeds);
      }
      times.push(performance.now() - start);
    }
    process.send?.(times);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve();
