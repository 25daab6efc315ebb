import { deflateSync } from 'node:zlib';

import t from 'tap';

import { openContent, openStyle } from '../../src/imaging/decode.ts';
import { ServiceError } from '../../src/errors.ts';
import {
  decodeContent,
  flipped,
  gifClaiming,
  jpegClaiming,
  noise,
  plain,
  pngChunk,
  pngClaiming,
} from './files.ts';

const limits = { maxPixels: 1_000_000, field: 'content' };

async function refusal(bytes: Buffer, size?: number): Promise<ServiceError> {
  const error: unknown = await decodeContent(bytes, { ...limits, size }).then(
    () => 'decoded',
    (reason: unknown) => reason,
  );
  if (error instanceof ServiceError) return error;
  throw new Error('not refused', { cause: error });
}

t.test('pictures cut short, wherever', async (t) => {
  for (const [name, bytes] of Object.entries({
    jpeg: await noise().jpeg().toBuffer(),
    'progressive jpeg': await noise().jpeg({ progressive: true }).toBuffer(),
    png: await noise().png().toBuffer(),
    'interlaced png': await noise().png({ progressive: true }).toBuffer(),
    webp: await noise().webp().toBuffer(),
    avif: await noise().avif().toBuffer(),
    gif: await noise().gif().toBuffer(),
  })) {
    for (const part of [0.25, 0.5, 0.9]) {
      const error = await refusal(bytes.subarray(0, Math.floor(bytes.length * part)));
      t.match(
        error,
        { code: 'undecodable_image', status: 422, field: 'content', cause: Error },
        `${name}, ${part * 100} % of it`,
      );
    }
  }
});

t.test('pictures damaged inside, and pictures of which only the signature is there', async (t) => {
  const png = await noise().png().toBuffer();
  for (const bytes of [
    flipped(png, 0.5),
    Buffer.from('\xff\xd8\xff', 'latin1'),
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    Buffer.from('GIF89a', 'latin1'),
    Buffer.from('RIFF\x04\0\0\0WEBP', 'latin1'),
    Buffer.from('\0\0\0\x18ftypavif\0\0\0\0mif1avif', 'latin1'),
  ]) {
    t.match(await refusal(bytes), { code: 'undecodable_image' });
  }
});

t.test('the text says what the file seemed to be and what to do', async (t) => {
  t.equal(
    (await refusal((await noise().jpeg().toBuffer()).subarray(0, 900))).message,
    'The file begins like jpeg but cannot be decoded: it is damaged or cut short, or takes longer than 30 s. Send it again whole, or save it anew first.',
  );
});

t.test('bombs: few bytes that claim many pixels', async (t) => {
  const error = await refusal(pngClaiming(50_000, 50_000));
  t.match(error, { code: 'too_many_pixels', status: 422, field: 'content' });
  t.equal(
    error.message,
    'The picture has 50000×50000 = 2500000000 pixels; at most 1000000 are taken. Send a smaller one.',
  );
  const jpeg = await noise().jpeg().toBuffer();
  const gif = await noise().gif().toBuffer();
  for (const bytes of [
    pngClaiming(1, 2_000_000),
    jpegClaiming(jpeg, 65_500, 65_500),
    gifClaiming(gif, 60_000, 60_000),
  ]) {
    t.match(await refusal(bytes), { code: 'too_many_pixels' });
  }
});

t.test('an AVIF has a limit of its own', async (t) => {
  const large = await plain([200, 80, 40], 5200, 5000).avif({ effort: 0 }).toBuffer();
  await t.rejects(openContent(large, { maxPixels: 50_000_000, field: 'content' }), {
    code: 'too_many_pixels',
    message:
      'The picture has 5200×5000 = 26000000 pixels; at most 25000000 are taken as avif. Send a smaller one, or another format.',
  });
  t.ok(await openContent(large, { maxPixels: Infinity, field: 'the operator’s own' }));
});

t.test('a small size does not let a large picture in', async (t) => {
  t.match(await refusal(pngClaiming(2000, 2000), 64), { code: 'too_many_pixels' });
});

t.test('as many pixels as allowed are taken, one row more is not', async (t) => {
  const decode = async (height: number) =>
    decodeContent(await noise(50, height).png().toBuffer(), { maxPixels: 1000, field: 'content' });
  t.match((await decode(20)).image, { width: 50, height: 20 });
  await t.rejects(decode(21), { code: 'too_many_pixels' });
});

t.test('a size that makes too many pixels', async (t) => {
  const error = await refusal(await noise(100, 50).png().toBuffer(), 2000);
  t.match(error, { code: 'too_many_pixels', field: 'size' });
  t.equal(
    error.message,
    'At a size of 2000 the result would have 2000×1000 = 2000000 pixels; at most 1000000 are made. Ask for a smaller size.',
  );
});

t.test('sides under 16 pixels', async (t) => {
  const error = await refusal(await noise(1, 300).png().toBuffer());
  t.match(error, { code: 'image_too_small', status: 422, field: 'content' });
  t.equal(
    error.message,
    'The picture is 1×300 pixels; each side needs at least 16. Send a larger one.',
  );
  t.match(await refusal(await noise(15, 16).jpeg().toBuffer()), { code: 'image_too_small' });
  const { image } = await decodeContent(await noise(16, 16).jpeg().toBuffer(), limits);
  t.match(image, { width: 16, height: 16 });
});

t.test('a size that makes a side shorter than 16 pixels', async (t) => {
  const error = await refusal(await noise(300, 100).png().toBuffer(), 40);
  t.match(error, { code: 'image_too_small', field: 'size' });
  t.equal(
    error.message,
    'At a size of 40 the result would be 40×13 pixels; each side needs at least 16. Ask for a larger size.',
  );
});

t.test('a size may lift a small picture over the least', async (t) => {
  const bytes = await noise(8, 8).png().toBuffer();
  t.match((await decodeContent(bytes, { ...limits, size: 32 })).image, { width: 32, height: 32 });
});

t.test('a picture that stays too small at its size is at fault itself', async (t) => {
  t.match(await refusal(await noise(1, 300).png().toBuffer(), 600), {
    code: 'image_too_small',
    field: 'content',
  });
});

t.test('a profile that unpacks to very much is left alone', async (t) => {
  const png = await noise().png().toBuffer();
  const bomb = Buffer.concat([Buffer.from('icc\0\0'), deflateSync(Buffer.alloc(200_000_000))]);
  const bytes = Buffer.concat([png.subarray(0, 33), pngChunk('iCCP', bomb), png.subarray(33)]);
  t.match((await decodeContent(bytes, limits)).image, { width: 96, height: 64 });
});

t.test('style pictures are refused for the same reasons, in the name of their field', async (t) => {
  const decode = async (bytes: Buffer) => {
    const picture = await openStyle(bytes, {
      maxPixels: 1_000_000,
      styleSize: 64,
      field: 'style',
    });
    return picture.decode();
  };
  await t.rejects(decode(Buffer.from('<svg/>')), {
    code: 'unsupported_media_type',
    field: 'style',
  });
  await t.rejects(decode((await noise().jpeg().toBuffer()).subarray(0, 900)), {
    code: 'undecodable_image',
    field: 'style',
  });
  await t.rejects(decode(pngClaiming(50_000, 50_000)), { code: 'too_many_pixels', field: 'style' });
  await t.rejects(decode(await noise(10, 10).png().toBuffer()), {
    code: 'image_too_small',
    field: 'style',
    message: 'The picture is 10×10 pixels; each side needs at least 16. Send a larger one.',
  });
});
