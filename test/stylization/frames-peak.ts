/**
 * A process of its own that decodes, encodes or paints an animation of noise, and writes what it says of
 * its memory (test/support/peak-of.ts). Painting is the whole way of a request, through an engine that
 * takes what it is given and gives back as much.
 *
 *     frames-peak.ts decode FORMAT FRAMES WIDTH HEIGHT [SIZE]
 *     frames-peak.ts encode FORMAT FRAMES WIDTH HEIGHT opaque|alpha
 *     frames-peak.ts paint FORMAT FRAMES WIDTH HEIGHT [STROKES [MASKS [COLOR [ALPHA]]]]
 */
import { type ColorMode, type StylizeInput } from '../../src/engine/index.ts';
import { openContent } from '../../src/imaging/decode.ts';
import { encodeAnimation } from '../../src/imaging/encode.ts';
import type { AnimationFormat } from '../../src/imaging/formats.ts';
import { encodeAnimationBytes } from '../../src/imaging/memory.ts';
import { createMemoryBudget } from '../../src/memory-budget.ts';
import { createStages } from '../../src/observability/stages.ts';
import type { Size } from '../../src/rgb-image.ts';
import { createEncodeTimes } from '../../src/stylization/encode-times.ts';
import { stylizePicture } from '../../src/stylization/stylize.ts';
import { noise, noisePixels } from '../imaging/files.ts';
import { clipOf } from '../support/clip.ts';
import { fakeEngine, timed } from '../support/fake-engine.ts';
import { type Measured, peakOf } from '../support/peak-of.ts';

interface Shape extends Size {
  readonly count: number;
}

const limits = { maxPixels: 2 ** 28, maxFrames: 1000, field: 'content' };

/** Noise of few colours, which GIF holds as it is. */
function written(format: AnimationFormat, { count, width, height }: Shape): Promise<Buffer> {
  const few = noisePixels(3 * count * width * height).map((value) => value & 0xc0);
  const clip = clipOf(few, width, height);
  const encoded =
    format === 'gif'
      ? clip.gif({ effort: 1, dither: 0, interFrameMaxError: 0 })
      : clip.webp({ effort: 0, quality: 100 });
  return encoded.toBuffer();
}

async function decode(format: AnimationFormat, shape: Shape, size: number | undefined) {
  const content = await openContent(await written(format, shape), { ...limits, size });
  return { bound: content.decodeBytes, peak: await peakOf(() => content.decode()) };
}

async function encode(format: AnimationFormat, shape: Shape, hasAlpha: boolean) {
  const { count, width, height } = shape;
  const pixels = count * width * height;
  const image = { width, height: count * height, data: noisePixels(3 * pixels) };
  const alpha = hasAlpha ? noisePixels(pixels) : undefined;
  const timing = { delays: Array.from({ length: count }, () => 50), loop: 0 };
  return {
    bound: encodeAnimationBytes(format, shape, count),
    peak: await peakOf(() => encodeAnimation(image, alpha, timing, format, 100)),
  };
}

/** As a worker takes it: what is all of its buffer goes, of the rest a copy. */
function moved<T extends Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>>(data: T): T {
  const own = data.byteLength === data.buffer.byteLength ? data : (data.slice() as T);
  return structuredClone(own, { transfer: [own.buffer] });
}

function paintAs({ image, photograph, coverage, shares }: StylizeInput) {
  const taken = [image.data, photograph?.data, coverage, shares].map((data) => data && moved(data));
  // Read, so that they are in memory, and what comes back is there as well.
  const data = (taken[0] as Uint8Array<ArrayBuffer>).map((value) => value ^ 1);
  return Promise.resolve(timed({ ...image, data }));
}

async function paint(
  format: AnimationFormat,
  shape: Shape,
  [strokes = '1', masks = '0', color = 'style', alpha = '1']: readonly string[],
) {
  let bound = 0;
  const known = { statistics: new Float32Array(8), outcome: 'hit' as const };
  const nothing = { newSize: undefined, decodeBytes: 0, heldBytes: 0 };
  const styles = Array.from({ length: Math.max(1, Number(masks)) }, (_, i) => String(i));
  const budget = createMemoryBudget(2 ** 36, (part, { held }) => {
    if (part === 'pictures') bound = Math.max(bound, held);
  });
  const stylizer = {
    ...{ maxPixels: 2 ** 28, maxFrames: 1000, encodeTimes: createEncodeTimes(), memory: budget },
    engine: await fakeEngine({ paint: paintAs })({} as never),
    styles: {
      open: () =>
        Promise.resolve(
          styles.map((id) => ({ ...nothing, resolve: () => Promise.resolve({ ...known, id }) })),
        ),
    },
  };
  const request = {
    content: await written(format, shape),
    frames: 'all' as const,
    styles: styles.map((id) => ({ kind: 'id' as const, id })),
    counts: styles.map(() => ({ weight: 1, alpha: Number(alpha) })),
    masks: await Promise.all(
      Array.from({ length: Number(masks) }, () =>
        noise(shape.width, shape.height).png().toBuffer(),
      ),
    ),
    ...{ color: color as ColorMode, strokes: Number(strokes), quality: 100 },
    chooseFormat: () => format,
  };
  const peak = await peakOf(() =>
    stylizePicture(stylizer, request, {
      ...{ stages: createStages(), memory: budget.forRequest(), deadline: Infinity },
      signal: new AbortController().signal,
    }),
  );
  return { bound, peak };
}

const small = { count: 2, width: 32, height: 32 };
for (const format of ['webp', 'gif'] as const) {
  await encode(format, small, true);
  await paint(format, small, ['0.5']);
}
const [task = '', format = '', ...rest] = process.argv.slice(2);
const [count, width, height] = rest.map(Number) as [number, number, number];
const known = [format as AnimationFormat, { count, width, height }] as const;
const controls = rest.slice(3);
const tasks: Record<string, () => Promise<Measured>> = {
  decode: () => decode(...known, controls[0] === undefined ? undefined : Number(controls[0])),
  encode: () => encode(...known, controls[0] === 'alpha'),
  paint: () => paint(...known, controls),
};
process.stdout.write(JSON.stringify(await tasks[task]?.()));
