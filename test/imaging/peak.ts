/**
 * A process of its own that decodes one file, or encodes or scales one picture and writes what it says of its
 * memory: `bound`, and `peak`, by how much the resident memory rose at most, both in bytes.
 *
 *     peak.ts decode FILE [SIZE]
 *     peak.ts encode FORMAT opaque|alpha WIDTH HEIGHT
 *     peak.ts mask FILE WIDTH HEIGHT
 *     peak.ts style FILE SIZE
 *     peak.ts resize TIMES WIDTH HEIGHT
 */
import { readFileSync } from 'node:fs';

import { openContent, openStyle } from '../../src/imaging/decode.ts';
import { encodePicture } from '../../src/imaging/encode.ts';
import { type PictureFormat, pictureFormats } from '../../src/imaging/formats.ts';
import { openMask } from '../../src/imaging/mask.ts';
import { encodeBytes, resizeBytes } from '../../src/imaging/memory.ts';
import { resizePixels } from '../../src/imaging/resize.ts';
import { peakOf } from '../support/peak-of.ts';
import { noisePixels, plain } from './files.ts';

const limits = { maxPixels: 2 ** 28, field: 'content' };

async function warmUp(): Promise<void> {
  for (const format of [...pictureFormats, 'gif'] as const) {
    const bytes = await plain([9, 99, 199], 64, 64, 0.5).toFormat(format).toBuffer();
    await (await openContent(bytes, { ...limits, size: 32 })).decode();
    await (await openMask(bytes, { width: 32, height: 48 }, limits)).decode();
  }
  for (const format of pictureFormats) {
    const image = { width: 64, height: 64, data: new Uint8Array(3 * 64 * 64) };
    await encodePicture(image, new Uint8Array(64 * 64), format, 80);
    await resizePixels(image, { width: 32, height: 32 });
  }
}

async function decode(file: string, size: number | undefined) {
  const content = await openContent(readFileSync(file), { ...limits, size });
  return { bound: content.decodeBytes, peak: await peakOf(() => content.decode()) };
}

async function style(file: string, styleSize: number) {
  const picture = await openStyle(readFileSync(file), { ...limits, styleSize });
  return { bound: picture.decodeBytes, peak: await peakOf(() => picture.decode()) };
}

async function encode(format: PictureFormat, hasAlpha: boolean, width: number, height: number) {
  const data = noisePixels(3 * width * height);
  const alpha = hasAlpha ? noisePixels(width * height) : undefined;
  const image = { width, height, data };
  return {
    bound: encodeBytes(format, image, hasAlpha),
    peak: await peakOf(() => encodePicture(image, alpha, format, 100)),
  };
}

/** What goes in is there before, and is in the bound. */
async function resize(times: number, width: number, height: number) {
  const data = noisePixels(3 * width * height);
  const target = { width: Math.round(times * width), height: Math.round(times * height) };
  return {
    bound: resizeBytes({ width, height }, target) - data.length,
    peak: await peakOf(() => resizePixels({ width, height, data }, target)),
  };
}

async function mask(file: string, width: number, height: number) {
  const opened = await openMask(readFileSync(file), { width, height }, limits);
  return { bound: opened.decodeBytes, peak: await peakOf(() => opened.decode()) };
}

await warmUp();
const [task, what = '', ...rest] = process.argv.slice(2);
const [width = 0, height = 0] = rest.slice(-2).map(Number);
const tasks: Record<string, () => Promise<unknown>> = {
  decode: () => decode(what, rest[0] === undefined ? undefined : Number(rest[0])),
  encode: () => encode(what as PictureFormat, rest[0] === 'alpha', width, height),
  mask: () => mask(what, width, height),
  style: () => style(what, Number(rest[0])),
  resize: () => resize(Number(what), width, height),
};
const result = await tasks[task ?? '']?.();
process.stdout.write(JSON.stringify(result));
