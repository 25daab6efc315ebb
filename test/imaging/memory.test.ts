import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import sharp, { type Sharp } from 'sharp';
import t, { type Test } from 'tap';

import type { Measured } from '../support/peak-of.ts';
import { measurer, skip } from '../support/peak.ts';
import { webpOfAlphaCodes, webpOfCodes } from './costly.ts';
import { hundredThousandths, noise, noisePixels, withPngChunk } from './files.ts';

/** What does not grow with the picture is small against four megapixels. */
const width = 2500;
const height = 1600;

const measure = measurer(new URL('peak.ts', import.meta.url));

function holds(t: Test, name: string, { bound, peak }: Measured): void {
  const perPixel = (bytes: number) => (bytes / (width * height)).toFixed(1);
  t.ok(peak <= bound, `${name}: ${perPixel(peak)} bytes a pixel of ${perPixel(bound)}`);
}

const rgb = () => noise(width, height);
const rgba = () => noise(width, height, 4);
const frames = () =>
  sharp(noisePixels(2 * 4 * width * height), {
    raw: { width, height: 2 * height, channels: 4, pageHeight: height },
  });
const wide = (picture: Sharp) => picture.toColourspace('rgb16');
const lying = (picture: Sharp) => picture.withMetadata({ orientation: 6 });
const png = { compressionLevel: 1 };
const avif = { effort: 0, chromaSubsampling: '4:4:4' };

/** The dearest of each kind. */
const files: Record<string, () => Sharp | Promise<Buffer>> = {
  'baseline JPEG': () => rgb().jpeg(),
  'progressive JPEG, lying': () =>
    lying(rgb()).jpeg({ progressive: true, chromaSubsampling: '4:4:4' }),
  'progressive CMYK JPEG': () => rgb().toColourspace('cmyk').jpeg({ progressive: true }),
  'JPEG without its end': async () =>
    (await rgb().jpeg({ quality: 100 }).toBuffer()).subarray(0, -2),
  'RGBA PNG': () => rgba().png(png),
  'RGB PNG, 16 bits': () => wide(rgb()).png(png),
  'RGB PNG, 16 bits, with a profile': () => wide(rgb()).withIccProfile('p3').png(png),
  'RGBA PNG, 16 bits, with a profile': () => wide(rgba()).withIccProfile('p3').png(png),
  'PNG with gAMA': async () =>
    withPngChunk(await rgba().png(png).toBuffer(), 'gAMA', hundredThousandths(1)),
  'interlaced RGBA PNG, 16 bits, lying': () =>
    lying(wide(rgba())).png({ ...png, progressive: true }),
  'lossless WebP with alpha': () => rgba().webp({ effort: 0, lossless: true }),
  'lossless WebP of many codes': () => Promise.resolve(webpOfCodes(1024)),
  'WebP with opacity of many codes': () => webpOfAlphaCodes(1024),
  'animated WebP': () => frames().webp({ effort: 0 }),
  AVIF: () => rgb().avif(avif),
  'AVIF of 12 bits with alpha': () => rgba().avif({ ...avif, bitdepth: 12 }),
  'AVIF of 12 bits with alpha and a profile': () =>
    rgba()
      .withIccProfile('p3')
      .avif({ ...avif, bitdepth: 12 }),
  'a wide GIF': () => noise(50_000, 80).gif({ effort: 1 }),
};

const folder = t.testdir();
const paths = new Map<string, string>();

/** The path of one of them, which takes a while to make. */
async function pathOf(name: string): Promise<string> {
  const known = paths.get(name);
  if (known !== undefined) return known;
  const path = join(folder, name.replaceAll(' ', '-'));
  const made = files[name]?.();
  await writeFile(path, made instanceof Promise ? await made : ((await made?.toBuffer()) ?? ''));
  paths.set(name, path);
  return path;
}

t.test('a decode takes no more memory than its bound', { skip }, async (t) => {
  for (const name of Object.keys(files)) {
    const file = await pathOf(name);
    holds(t, name, await measure('decode', file));
    holds(
      t,
      `${name}, smaller`,
      await measure('decode', file, name === 'a wide GIF' ? '40000' : '2000'),
    );
  }
});

t.test('a low picture takes no more memory than its bound, however wide', { skip }, async (t) => {
  const low = (channels: 3 | 4, height: number) => noise(40_000, height, channels);
  const files: [make: () => Sharp, ...task: [string, ...string[]]][] = [
    [() => lying(low(3, 80)).jpeg(), 'decode', '14000'],
    [() => wide(low(4, 24)).png(png), 'decode', '27000'],
    [() => low(4, 80).png(png), 'decode', '13500'],
    [() => wide(low(4, 24)).png(png), 'mask', '27000', '24'],
    [() => lying(low(3, 40)).jpeg(), 'style', '512'],
    [() => noise(24, 16_000).avif(avif), 'decode'],
  ];
  const file = join(t.testdir(), 'picture');
  for (const [make, task, ...size] of files) {
    await writeFile(file, await make().toBuffer());
    const { bound, peak } = await measure(task, file, ...size);
    t.ok(peak <= bound, `${task} to ${size.join('×')}: ${peak} bytes of ${bound}`);
  }
  const { bound, peak } = await measure('encode', 'avif', 'alpha', '24', '16000');
  t.ok(peak <= bound, `encode: ${peak} bytes of ${bound}`);
});

t.test('a mask takes no more memory than its bound', { skip }, async (t) => {
  for (const name of Object.keys(files)) {
    const file = await pathOf(name);
    holds(t, name, await measure('mask', file, String(width), String(height)));
    holds(t, `${name}, larger`, await measure('mask', file, '3000', '1920'));
  }
  const file = join(t.testdir(), 'picture');
  await writeFile(file, await noise(16, 16).png().toBuffer());
  holds(t, 'a small one', await measure('mask', file, String(width), String(height)));
  holds(t, 'a small one, very wide', await measure('mask', file, '60000', '80'));
});

t.test('an encode takes no more memory than its bound', { skip }, async (t) => {
  for (const format of ['jpeg', 'png', 'webp', 'avif']) {
    for (const opacity of ['opaque', 'alpha']) {
      const args = ['encode', format, opacity, String(width), String(height)];
      holds(t, `${format}, ${opacity}`, await measure(...args));
    }
  }
});

t.test('scaling takes no more memory than its bound', { skip }, async (t) => {
  for (const times of ['4', '2', '0.5', '0.25']) {
    const part = Math.max(1, Number(times));
    const args = [String(width / part), String(height / part)];
    holds(t, `${times} times`, await measure('resize', times, ...args));
  }
});
