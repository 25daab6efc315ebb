import sharp from 'sharp';

import { createEngine } from '../../src/engine/index.ts';
import type { Engine, StylizeInput, StylizeTurn } from '../../src/engine/index.ts';
import { framesOf } from '../../src/imaging/animation.ts';
import { createStages } from '../../src/observability/stages.ts';
import type { RgbImage } from '../../src/rgb-image.ts';
import { prepareFrames } from '../../src/stylization/frames.ts';
import { cut, distance, histogramOf } from '../../src/stylization/scenes.ts';
import { passesFor } from '../../src/stylization/strokes.ts';
import { modelsDir, randomNumbers, stylize, copyOf } from '../engine/helpers.ts';
import type { Bench, Report, Row } from './report.ts';

const [width, height, count] = [480, 272, 8];
const length = 3 * width * height;
const examples = new URL('../../models/examples/', import.meta.url).pathname;

/** A clip, and the column from which on nothing moves in it. */
type Clip = readonly [frames: RgbImage, still: number];

/**
 * Clips made of our own photographs: how far what stands still differs from one painted frame to the
 * next, with statistics of each frame and of all; and how far apart the histograms are of frames of
 * one scene and of two.
 */
export const frames: Bench = {
  name: 'frames',
  summary: 'Frames with statistics of their own, and of all; frames of one scene and of two.',
  async run(): Promise<Report> {
    const engine = await createEngine({ modelsDir, device: 'cpu', queueLimit: 4 });
    const style = await photograph('lake-great-wave.jpg');
    const { value: statistics } = await engine.describe(style);
    const rows: Row[] = [];
    for (const [name, [clip, still]] of Object.entries(await clips())) {
      const own = await eachAlone(engine, clip, statistics);
      const common = await together(engine, clip, statistics);
      const [alone, shared] = [own, common].map((painted) => flicker(painted, still));
      const seen = flicker(clip, still);
      rows.push({
        clip: name,
        ...{
          'sent, mean': seen.mean,
          'own, mean': alone?.mean ?? 0,
          'own, most': alone?.most ?? 0,
        },
        ...{ 'common, mean': shared?.mean ?? 0, 'common, most': shared?.most ?? 0 },
        'distance of histograms, most': farthest(clip),
      });
    }
    await engine.close();
    const cuts = await Promise.all(
      [
        ['canal.jpg', 'lake.jpg'],
        ['lake.jpg', 'still-life.jpg'],
        ['canal.jpg', 'still-life.jpg'],
      ].map(async ([a = '', b = '']) => {
        const pair = await Promise.all([a, b].map(photograph));
        const [one, other] = pair.map((picture) => histogramOf(picture)) as [never, never];
        return { 'from, to': `${a}, ${b}`, distance: distance(one, other) };
      }),
    );
    return {
      tables: [
        { title: 'Levels of 255 by which what stands still differs from frame to frame', rows },
        { title: `Cuts (from ${cut} on)`, rows: cuts },
      ],
      goals: [
        { what: 'what stands still, at most', value: Number(rows[0]?.['common, most']), atMost: 0 },
      ],
    };
  },
};

async function photograph(name: string): Promise<RgbImage> {
  const picture = sharp(`${examples}${name}`).resize(width, height, { fit: 'cover' });
  return { width, height, data: new Uint8Array(await picture.removeAlpha().raw().toBuffer()) };
}

async function clips(): Promise<Record<string, Clip>> {
  const [scene, object] = await Promise.all(['canal.jpg', 'still-life.jpg'].map(photograph));
  const wide = await sharp(`${examples}lake.jpg`).resize(800, height, { fit: 'cover' }).toBuffer();
  const random = randomNumbers(7);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const clamp = (value: number) => Math.min(Math.max(Math.round(value), 0), 255);
  const made = (of: (value: number, frame: number) => number) =>
    clipOf((frame) => (scene as RgbImage).data.map((value) => clamp(of(value, frame))));
  const pan = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const part = sharp(wide).extract({ left: 40 * i, top: 0, width, height });
      return new Uint8Array(await part.removeAlpha().raw().toBuffer());
    }),
  );
  const moving = clipOf((frame) =>
    (scene as RgbImage).data.map((value, i) => {
      const x = Math.floor(i / 3) % width;
      const left = x - 16 * frame;
      return left >= 0 && left < 96 && x < 200 ? ((object as RgbImage).data[i] as number) : value;
    }),
  );
  return {
    'something moves': [moving, 360],
    'noise of 2 levels': [made((value) => value + 2 * normal()), 0],
    'noise of 6 levels': [made((value) => value + 6 * normal()), 0],
    'exposure drifts by 1 % a frame': [made((value, frame) => value * (1 + frame / 100)), 0],
    'exposure drifts by 5 % a frame': [made((value, frame) => value * (1 + frame / 20)), 0],
    'a pan of 40 pixels a frame': [clipOf((frame) => pan[frame] as Uint8Array), 0],
  };
}

function clipOf(frame: (index: number) => Uint8Array): RgbImage {
  const data = new Uint8Array(count * length);
  for (let i = 0; i < count; i++) data.set(frame(i), i * length);
  return { width, height: count * height, data };
}

const inputOf = (image: RgbImage, statistics: StylizeInput['statistics']): StylizeInput => ({
  ...{ image, statistics, alpha: 1, color: 'style' },
});

async function eachAlone(engine: Engine, clip: RgbImage, statistics: StylizeInput['statistics']) {
  const data = new Uint8Array(clip.data.length);
  for (const [i, frame] of framesOf(clip, count).entries()) {
    const { value } = await stylize(engine, inputOf(copyOf(frame), statistics));
    data.set(value.data, i * length);
  }
  return { ...clip, data };
}

async function together(engine: Engine, clip: RgbImage, statistics: StylizeInput['statistics']) {
  const input = inputOf(copyOf(clip), statistics);
  const size = { width, height };
  const passes = passesFor(1, size, Infinity);
  let finish = (painted: RgbImage) => Promise.resolve(painted);
  const prepare = async (turn: StylizeTurn) => {
    const { stride } = engine.model;
    const prepared = await prepareFrames(input, count, passes, stride, turn, createStages());
    finish = prepared.finish;
    return prepared.input;
  };
  const { value } = await engine.stylize({ size, frames: count }, {}, prepare);
  return finish(value);
}

/** How far pixels from a column on differ from one frame to the next. */
function flicker(clip: RgbImage, from: number) {
  let [sum, seen, most] = [0, 0, 0];
  for (let i = length; i < clip.data.length; i++) {
    if (Math.floor(i / 3) % width < from) continue;
    const by = Math.abs((clip.data[i] as number) - (clip.data[i - length] as number));
    sum += by;
    seen++;
    most = Math.max(most, by);
  }
  return { mean: sum / seen, most };
}

/** Of two neighbours. */
function farthest(clip: RgbImage): number {
  const histograms = framesOf(clip, count).map(histogramOf);
  const distances = histograms.slice(1).map((one, i) => distance(histograms[i] as never, one));
  return Math.max(...distances);
}
