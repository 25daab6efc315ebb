import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';

import { photo } from '../../../support/app.ts';
import { plainNode } from '../../../support/node.ts';
import { buildLibraries, layOutService, obstacle } from './stand-in/libraries.ts';

interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly engine?: string;
  readonly err?: { readonly message: string };
}

const modelFile = new URL('../../../../models/model.json', import.meta.url);
const { channels, stride, encoderMargin, decoderMargin } = JSON.parse(
  readFileSync(modelFile, 'utf8'),
) as Record<'channels' | 'stride' | 'encoderMargin' | 'decoderMargin', number>;
const around = 2 * (encoderMargin + decoderMargin);

const skip = obstacle();
if (skip) process.stderr.write(`\nNOT TESTED: the CUDA provider, as ${skip}.\n\n`);
const work = skip ? '' : mkdtempSync(join(tmpdir(), 'adain-cuda-'));
t.teardown(() => {
  if (work) rmSync(work, { recursive: true });
});
const entry = skip ? '' : layOutService(work);
const libraries = skip ? '' : buildLibraries(work, { cudnn: true });

let runs = 0;

/** Starts the built server on the stand-in; `ready` says where it listens when it is warm. */
function launch(t: Test, environment: Record<string, string> = {}) {
  const [trace, fault] = [join(work, `trace-${++runs}`), join(work, `fault-${runs}`)];
  writeFileSync(trace, '');
  const server = spawn(...plainNode([entry]), {
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: '0',
      ADAIN_DEVICE: 'cuda',
      ADAIN_TILE_PIXELS: String(400 ** 2),
      LD_LIBRARY_PATH: libraries,
      STAND_IN_TRACE: trace,
      STAND_IN_FAULT: fault,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => server.kill('SIGKILL'));
  const log: LogLine[] = [];
  let complaint = '';
  let url = '';
  server.stderr.on('data', (text) => (complaint += String(text)));
  const ended = once(server, 'close') as Promise<[number | null]>;
  const ready = new Promise<string>((resolve) => {
    createInterface({ input: server.stdout }).on('line', (line) => {
      const entry = JSON.parse(line) as LogLine;
      log.push(entry);
      url ||= /listening at (\S+)/.exec(entry.msg)?.[1] ?? '';
      if (entry.level === 60) complaint += entry.msg;
      if (entry.msg === 'ready to paint') resolve(url);
    });
  });
  return {
    server,
    log,
    ended,
    ready,
    complaint: () => complaint,
    /** Lines of the trace, as words. */
    traced: () =>
      readFileSync(trace, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split(' ')),
    forgetTrace: () => {
      writeFileSync(trace, '');
    },
    /** As in stand-in.c; nothing fails without. */
    breakDown: (what = '') => {
      writeFileSync(fault, what);
    },
  };
}

async function start(t: Test, environment: Record<string, string> = {}) {
  const launched = launch(t, environment);
  const url = await Promise.race([
    launched.ready,
    launched.ended.then(() => {
      throw new Error(launched.complaint());
    }),
  ]);
  const status = async (path: string) => (await fetch(url + path)).status;
  const paint = async (width: number, height: number, style = 'mosaic', masks = 0) => {
    const data = new FormData();
    const file = new Blob([new Uint8Array(await photo(width, height))]);
    data.append('content', file, 'photo.png');
    if (style === 'itself') data.append('style', file, 'photo.png');
    else data.append('styleId', style);
    for (let i = 0; i < masks; i++) data.append('mask', file, 'mask.png');
    const reply = await fetch(`${url}/stylize`, { method: 'POST', body: data });
    const { code } = reply.ok ? { code: 'painted' } : ((await reply.json()) as { code: string });
    if (reply.ok) await reply.arrayBuffer();
    return code;
  };
  return { ...launched, url, status, paint };
}

const until = async (condition: () => boolean | Promise<boolean>) => {
  while (!(await condition())) await setTimeout(20);
};
const bytesOf = (lines: string[][], what: string) =>
  lines.filter(([kind]) => kind === what).map(([, bytes]) => Number(bytes));

for (const [precision, name] of [
  ['auto', 'float16'],
  ['fp32', 'float32'],
] as const) {
  t.test(
    `in ${name} all nodes are on the GPU; pixels go up and down once a run`,
    { skip },
    async (t) => {
      const { log, paint, traced, forgetTrace, complaint } = await start(t, {
        ADAIN_PRECISION: precision,
      });
      t.match(log.at(-1), { msg: 'ready to paint', engine: `CUDA device 0 in ${name}` });
      t.equal(complaint(), '');
      const peak = Math.max(
        ...traced().flatMap(([kind, , total]) => (kind === 'malloc' ? Number(total) : [])),
      );
      t.comment(`${(peak / 1e6).toFixed(0)} MB allocated on the GPU`);

      let beside: number[] | undefined;
      // Canvases of 400, 200 and 96 pixels and the margins.
      for (const [width, height, side] of [
        [400, 400, 400 + around],
        [400, 201, 400 + around],
        [200, 100, 200 + around],
        [90, 90, 96 + around],
        [16, 16, 96 + around],
      ] as const) {
        forgetTrace();
        t.equal(await paint(width, height), 'painted');
        const [pixels, ...small] = bytesOf(traced(), 'up').sort((a, b) => b - a);
        t.equal(pixels, 3 * side ** 2, `${width}×${height}: the canvas`);
        beside ??= small;
        t.same(small, beside, 'statistics, alpha and tables, the same for every size');
        t.ok(Math.max(...small) <= 8 * channels, 'none larger than the statistics');
        t.ok(
          small.reduce((sum, bytes) => sum + bytes, 0) < 10_500,
          'statistics, three tables of Concat and Split, and crumbs',
        );
        t.same(bytesOf(traced(), 'down'), [3 * width * height], 'the picture');
        t.same(bytesOf(traced(), 'malloc'), [], 'its memory was there before');
      }

      forgetTrace();
      t.equal(await paint(700, 430), 'painted', 'in tiles');
      const tiles = bytesOf(traced(), 'up').filter((bytes) => bytes > 8 * channels);
      t.same(new Set(tiles), new Set([3 * (400 + around) ** 2]), 'of one shape');
      t.equal(bytesOf(traced(), 'down').length, tiles.length);
      t.same(bytesOf(traced(), 'malloc'), []);

      // Two styles by place, and the most that there may be: no other shape, no more memory.
      for (const [width, height, side] of [
        [400, 201, 400 + around],
        [200, 100, 200 + around],
        [16, 16, 96 + around],
        [700, 430, 400 + around],
      ] as const) {
        for (const count of [2, 8]) {
          forgetTrace();
          const styles = Array.from({ length: count }, (_, k) => (k % 2 ? 'mosaic' : 'woodcut'));
          t.equal(await paint(width, height, styles.join(), count), 'painted');
          const sent = new Set(bytesOf(traced(), 'up').filter((bytes) => bytes > 8 * channels));
          const shares = 4 * 8 * ((side - 2 * encoderMargin) / stride) ** 2;
          t.same(sent, new Set([3 * side ** 2, shares, 64 * channels]), `${width}×${height}`);
          t.same(bytesOf(traced(), 'malloc'), []);
        }
      }

      // Nearly the largest and nearly the smallest of each canvas, and tiles with most of a picture.
      for (const [width, height] of [
        [399, 392],
        [201, 17],
        [180, 180],
        [101, 17],
        [88, 88],
        [880, 400],
        [880, 890],
      ] as const) {
        forgetTrace();
        t.equal(await paint(width, height, 'itself'), 'painted');
        t.same(bytesOf(traced(), 'malloc'), [], `${width}×${height}, a style too`);
      }
    },
  );
}

for (const [name, environment, fault, text] of [
  [
    'too little memory',
    { STAND_IN_MEMORY: '30000000' },
    '',
    /device 0 .*: the GPU is out of memory: lower ADAIN_TILE_PIXELS/,
  ],
  [
    'a wrong number',
    { ADAIN_DEVICE: 'cuda:3' },
    '',
    /device 3 .*: there is no GPU with that number: choose another/,
  ],
  ['no GPU', {}, 'cudaSetDevice 100 0', /there is no GPU: give the process one/],
  ['a call that fails', {}, 'cudaMemcpyAsync 700 2', /the GPU failed: restart.*CUDA failure 700/],
  [
    'a kernel that fails',
    {},
    'cudaLaunchKernel 719 20',
    /the GPU failed: restart.*cudaErrorLaunchFailure/,
  ],
  ['cuDNN that fails', {}, 'cudnnBackendExecute 1 4', /cuDNN failed: its own words are on stderr/],
] as const) {
  t.test(`${name} ends the start with the cause and the remedy`, { skip }, async (t) => {
    const launched = launch(t, environment);
    launched.breakDown(fault);
    const [code] = await launched.ended;
    t.equal(code, 1);
    t.match(launched.complaint(), text);
    t.match(launched.complaint(), /adain-server cannot start\. CUDA device \d cannot be used/);
  });
}

t.test('sessions on a GPU keep no threads for the CPU', { skip }, async (t) => {
  const { server } = await start(t, { ADAIN_DEVICE: 'cuda:0', ADAIN_THREADS: '100' });
  const threads = readdirSync(`/proc/${server.pid}/task`).length;
  t.ok(threads < 100, `${threads} threads`);
});

t.test(
  'without cuDNN the start fails by its name, and auto runs on the CPU',
  { skip },
  async (t) => {
    const environment = { LD_LIBRARY_PATH: buildLibraries(work, { cudnn: false }) };
    const text = /CUDA cannot be used: libcudnn\.so\.9 cannot be loaded .*: install cuDNN 9/;
    const { ended, complaint } = launch(t, environment);
    t.same(await ended, [1, null]);
    t.match(complaint(), text);

    const { url, log, paint, traced } = await start(t, { ...environment, ADAIN_DEVICE: 'auto' });
    t.match(log.at(-1), { msg: 'ready to paint', engine: text });
    t.match(await (await fetch(`${url}/model`)).json(), { provider: 'cpu', description: text });
    t.match(await (await fetch(`${url}/metrics`)).text(), /adain_engine_info\{provider="cpu"/);
    t.equal(await paint(40, 30), 'painted');
    t.same(traced(), []);
  },
);

t.test(
  'a failed run fails its request; the worker is made anew once its memory is free',
  { skip },
  async (t) => {
    const { log, status, paint, breakDown, traced, forgetTrace } = await start(t);
    forgetTrace();
    breakDown('cudnnBackendExecute 1 5');
    t.equal(await paint(100, 100), 'inference_failed');
    const lost = () => log.filter(({ msg }) => msg.startsWith('engine worker lost'));
    await until(() => lost().length > 1);
    t.equal(await status('/readyz'), 503);
    t.equal(await status('/livez'), 200, 'it may come back');
    breakDown();
    await until(async () => (await status('/readyz')) === 200);
    t.equal(await paint(100, 100), 'painted');
    // No two workers take quite the same: the runtime shuffles the weights within their memory.
    const emptied = traced().filter(
      ([kind, bytes, total]) => kind === 'free' && bytes !== '1' && total === '0', // it tries a byte
    );
    t.equal(emptied.length, lost().length, 'all memory was free before each new start');
    t.match(
      log.find(({ err }) => err),
      { msg: 'request', err: { message: /^Non-zero status.*Conv node.*CUDNN_FE failure/ } },
    );
    t.match(lost()[0], { err: { message: /^A run failed: Non-zero status.*Conv node/ } });
    t.match(lost()[1], { err: { message: /^CUDA device 0 cannot be used: cuDNN failed/ } });
  },
);

t.test(
  'a GPU lost in the middle of a batch fails the batch; the process is to be restarted',
  { skip },
  async (t) => {
    const launched = await start(t, { ADAIN_MAX_BATCH: '4' });
    const { url, server, log, ended, status, paint, breakDown, traced, forgetTrace } = launched;
    const metrics = async () => (await fetch(`${url}/metrics`)).text();
    forgetTrace();
    breakDown('cudaStreamSynchronize 0 0 600000'); // until all the others wait behind the first
    const first = paint(100, 100);
    await until(() => traced().length > 0);
    const batch = [1, 2, 3, 4].map(() => paint(100, 100));
    const inLine = (count: number) =>
      until(async () => (await metrics()).includes(`\nadain_queue_depth ${count}\n`));
    await inLine(4);
    const behind = paint(300, 300);
    await inLine(5);
    breakDown('cudaStreamSynchronize 0 0 3000'); // for the batch to be there still when the first is told
    t.equal(await first, 'painted');
    breakDown('cudaStreamSynchronize 719 0');
    t.same(await Promise.all(batch), Array(4).fill('inference_failed'));
    t.equal(await behind, 'not_ready', 'nobody waits for a GPU that is gone');
    t.match(
      await metrics(),
      /adain_batch_size_bucket\{le="2"\} (\d+)\n[^]*adain_batch_size_bucket\{le="4"\} (?!\1\n)/,
      'they were one batch',
    );
    await until(async () => (await status('/livez')) === 503);
    t.equal(await status('/readyz'), 503);
    const lost = () => log.find(({ msg }) => msg.startsWith('engine worker lost'));
    await until(() => lost() !== undefined);
    t.match(lost(), { err: { message: /^A run failed: .*CUDA failure 719/ } });
    breakDown();
    await setTimeout(1000);
    t.equal(await status('/livez'), 503, 'for good');
    t.equal(await paint(100, 100), 'not_ready');
    server.kill('SIGTERM');
    t.same(await ended, [0, null]);
  },
);
