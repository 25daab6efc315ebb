import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import sharp from 'sharp';
import t from 'tap';

import type { StylizeRequest } from '../../src/engine/index.ts';
import { ServiceError } from '../../src/errors.ts';
import { testPicture } from '../engine/helpers.ts';
import { avifOf, avifParts } from '../imaging/avif.ts';
import { webpOf, webpOfCodes } from '../imaging/costly.ts';
import { apng, plain } from '../imaging/files.ts';
import { build, form, photo, type Field } from '../support/app.ts';
import { clipOf } from '../support/clip.ts';
import { fakeEngine, timed, type FakeEngine } from '../support/fake-engine.ts';
import { gate } from '../support/gate.ts';

const [width, height] = [400, 48];
const framesOf = (count: number, width: number, height: number) =>
  clipOf(
    Buffer.concat(Array.from({ length: count }, (_, i) => testPicture(width, height, i).data)),
    width,
    height,
  );
const clip = await framesOf(6, width, height).webp({ effort: 0 }).toBuffer();
const picture = await photo(48, 32);

const withEngine = (overrides: Partial<FakeEngine>, environment = {}) =>
  build(t, environment, { createEngine: fakeEngine(overrides) });
const app = await withEngine({}, { ADAIN_MAX_FRAMES: '8', ADAIN_MAX_PIXELS: '1500000' });
const request = (...fields: readonly Field[]) =>
  form(['styleId', 'mosaic'], ['frames', 'all'], ...fields);

t.test('an animation of which one frame alone can be read', async (t) => {
  const parts = avifParts(await plain([200, 80, 40], 48, 32).avif().toBuffer());
  const sequence = (isBare: boolean) => avifOf(parts, { width: 48, height: 32, frames: 3, isBare });
  for (const [format, content] of [
    ['PNG', apng(picture, picture, [48, 32, 0, 0])],
    ['AVIF', sequence(false)],
    ['AVIF', sequence(true)],
  ] as const) {
    const answer = await app.inject(await request(['content', content]));
    t.match(answer.json(), {
      ...{ status: 400, code: 'invalid_value', field: 'frames' },
      detail: `Of an animated ${format} the first frame alone can be read. Send the animation as WebP or GIF, or ask for the first frame alone (frames=first).`,
    });
    const first = await app.inject(await form(['content', content], ['styleId', 'mosaic']));
    t.equal(first.statusCode, 200, `${format}: the first without a word`);
  }
});

t.test(
  'an animation that EXIF turns: all of it is refused, the first frame is turned',
  async (t) => {
    const turned = await framesOf(3, 64, 48)
      .webp({ effort: 0 })
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const answer = await app.inject(await request(['content', turned]));
    t.match(answer.json(), {
      ...{ status: 400, code: 'invalid_value', field: 'frames' },
      detail: /lies on its side, and EXIF wants it turned\. Save it upright, or ask for the first/,
    });
    const first = await app.inject(await form(['content', turned], ['styleId', 'mosaic']));
    const { width, height } = await sharp(first.rawPayload).metadata();
    t.same([width, height], [48, 64]);
  },
);

t.test(
  'frames with more codes than can be counted, and with more than there is room for',
  async (t) => {
    const app = await withEngine({}, { ADAIN_MEMORY_BYTES: String(2 ** 30) });
    const side = 2400;
    const still = await plain([200, 80, 40], side, side).webp({ lossless: true }).toBuffer();
    for (const [second, code, detail] of [
      [
        webpOfCodes(side, 2),
        'too_complex_image',
        /more blocks than can be counted\. Send fewer, or ask/,
      ],
      [webpOfCodes(side), 'too_many_pixels', /takes up to 9\d\d MB of memory/],
    ] as const) {
      const content = webpOf([still, second], side);
      const answer = await app.inject(await request(['content', content], ['size', '100']));
      t.match(answer.json(), { status: 422, code, field: 'content', detail });
      const first = await app.inject(
        await form(['content', content], ['size', '100'], ['styleId', 'mosaic']),
      );
      t.equal(first.statusCode, 200, 'the first frame has few');
    }
  },
);

t.test('too many frames or pixels, and formats that hold no such thing', async (t) => {
  const many = await framesOf(9, 16, 16).gif().toBuffer();
  const large = await framesOf(2, 900, 900).webp({ effort: 0 }).toBuffer();
  const ofClip = (...fields: readonly Field[]) => [['content', clip], ...fields] as const;
  for (const [fields, status, field, detail] of [
    [[['content', many]], 422, 'content', /has 9 frames; at most 8 are painted\. Send fewer/],
    [
      [['content', large]],
      ...[422, 'content', /2 frames of 900×900 have 1620000 pixels together; at most 1500000/],
    ],
    [ofClip(['size', '2000']), 422, 'size', /in each of 6 frames/],
    [ofClip(['strokes', '0.25']), 422, 'strokes', /Ask for wider strokes/],
    ...['png', 'jpeg', 'avif'].map((format) => [
      ...[ofClip(['format', format]), 400, 'format'],
      new RegExp(
        `The format ${format} holds no animation\\. Choose webp, gif, or send frames=first`,
      ),
    ]),
    [
      [
        ['content', picture],
        ['format', 'gif'],
      ],
      ...[400, 'format', /The format gif is made of animations alone, and this is a still picture/],
    ],
    [ofClip(['frames', 'all']), 400, 'frames', /once/],
  ] as [readonly Field[], number, string, RegExp][]) {
    const answer = await app.inject(await request(...fields));
    t.equal(answer.statusCode, status, answer.body.slice(0, 300));
    t.match(answer.json(), { field, detail });
  }
  const wrong = await app.inject(
    await form(['content', clip], ['styleId', 'mosaic'], ['frames', 'al']),
  );
  t.match(wrong.json(), { field: 'frames', detail: /first, all.*Did you mean all/ });
  const { headers, ...rest } = await request(['content', clip]);
  for (const accept of ['image/jpeg', 'image/png, image/avif']) {
    const refused = await app.inject({ ...rest, headers: { ...headers, accept } });
    t.match(refused.json(), { status: 406, detail: /We make image\/webp, image\/gif of it/ });
  }
});

t.test('more memory than there is for pictures', async (t) => {
  const small = await withEngine(
    { memoryBytes: (7 / 8) * 2 ** 28 - 36e6 },
    { ADAIN_MEMORY_BYTES: String(2 ** 28), ADAIN_MAX_UPLOAD_BYTES: '9000000' },
  );
  const large = await framesOf(12, 400, 300).gif({ effort: 1 }).toBuffer();
  const refused = await small.inject(await request(['content', large], ['format', 'webp']));
  t.match(refused.json(), { status: 422, code: 'too_many_pixels', field: 'content' });
  t.equal(
    (await small.inject(await form(['content', large], ['styleId', 'mosaic']))).statusCode,
    200,
  );
});

t.test('admission knows all frames', async (t) => {
  const asked: StylizeRequest[] = [];
  const fake = await withEngine({ admit: (request) => void asked.push(request) });
  const answer = await fake.inject(await request(['content', clip], ['strokes', '2']));
  t.equal(answer.statusCode, 200, answer.body.slice(0, 200));
  t.match(asked, [
    { frames: 6, size: { width, height }, underpainting: { width: 200, height: 24 } },
  ]);
});

t.test('too late: 504 with the size in which all frames fit, or fewer of them', async (t) => {
  const admit = () => {
    throw new ServiceError('deadline_exceeded', 'Too slow.');
  };
  const content = await framesOf(6, 200, 150).gif({ effort: 1 }).toBuffer();
  const sideFor = async (frames: string, perPixel: number) => {
    const fake = await withEngine({
      admit,
      boundMs: ({ size, frames = 1 }) => perPixel * frames * size.width * size.height,
    });
    const late = await fake.inject(
      await form(['content', content], ['styleId', 'mosaic'], ['frames', frames]),
    );
    t.match(late.json(), { status: 504, code: 'deadline_exceeded' });
    return late.json<{ detail: string }>().detail;
  };
  const fitting = (detail: string) => Number(/size=(\d+), which fits/.exec(detail)?.[1]);
  const [first, all] = [await sideFor('first', 2), await sideFor('all', 2)];
  t.ok(Math.abs(fitting(first) / fitting(all) - Math.sqrt(6)) < 0.05, `${first} ${all}`);
  t.match(await sideFor('all', 1e6), /Ask for a smaller size or fewer frames\.$/);
  t.notMatch(first, /frames/);
});

t.test('a client that leaves takes the frames that are left with it', async (t) => {
  const { opened, open } = gate();
  let painted = 0;
  const fake = await withEngine({
    paint: ({ image }) => {
      painted++;
      return opened.then(() => timed(image));
    },
  });
  const { port } = new URL(await fake.listen({ port: 0, host: '127.0.0.1' }));
  const { payload, headers } = await request(['content', clip]);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    `POST /stylize HTTP/1.1\r\nhost: a\r\ncontent-type: ${headers['content-type']}\r\ncontent-length: ${payload.length}\r\n\r\n`,
  );
  socket.write(payload);
  while (painted < 2) await sleep(5);
  socket.destroy();
  await once(socket, 'close');
  const metrics = async () => (await fake.inject('/metrics')).body;
  while (!(await metrics()).includes('route="/stylize",status="499"} 1')) await sleep(5);
  open();
  while (!/adain_memory_held_bytes{part="pictures"} 0$/m.test(await metrics())) await sleep(5);
  t.equal(painted, 2, 'those that were under way');
});
