/** What is decoded here is what Chromium shows: files of many kinds, pixel by pixel. */
import sharp from 'sharp';
import t, { type Test } from 'tap';

import { newPage, skip } from '../support/chromium.ts';
import { avifOf, avifParts, iccProperty, nclx, opacityParts } from './avif.ts';
import { gifOfFrames, webpOfFrames } from './costly.ts';
import {
  adobeRgbProfile,
  apng,
  decodeContent,
  greyProfile,
  hundredThousandths,
  iccChunk,
  iccFormula,
  pixels,
  png,
  type Rgb,
  withJpegProfile,
  withPngChunks,
} from './files.ts';

const side = 64;

/** Rows of eight hues from black to their brightest. */
const hues: readonly Rgb[] = [
  [1, 1, 1],
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
  [1, 1, 0],
  [0, 1, 1],
  [1, 0.5, 0.2],
  [0.3, 0.6, 1],
];
const ramp = pixels(side, side, (x, y) =>
  (hues[y >> 3] ?? []).map((part) => Math.round(part * x * 4)),
);
const greyRamp = pixels(side, side, (x, y) => [(x + y) * 2]);
/** Smooth, so that encoders leave it alike, and muted: at the end of a gamut a step is many. */
const soft = pixels(side, side, (x, y) => [110 + (x >> 1), 110 + (y >> 1), 140 - ((x + y) >> 2)]);

const raw = (data: Buffer, channels: 1 | 3 | 4) =>
  sharp(data, { raw: { width: side, height: side, channels } });
const profile = adobeRgbProfile();
const inkProfile = greyProfile(iccFormula(0, 1.75));
const codes = (primaries: number, transfer: number) => Buffer.from([primaries, transfer, 0, 1]);
const frames = () =>
  sharp(Buffer.concat([ramp, soft]), {
    raw: { width: side, height: 2 * side, channels: 3, pageHeight: side },
  });

async function pngWith(chunks: Record<string, Buffer>, bits: 8 | 16 = 8): Promise<Buffer> {
  return withPngChunks(await png(ramp, side, 3, bits), chunks);
}

async function greyWith(chunks: Record<string, Buffer>, bits: 8 | 16 = 8): Promise<Buffer> {
  return withPngChunks(await png(greyRamp, side, 1, bits), chunks);
}

async function avifWith(bitdepth: 8 | 10, ...properties: Buffer[]): Promise<Buffer> {
  const avif = await raw(soft, 3)
    .avif({ quality: 100, bitdepth, chromaSubsampling: '4:4:4' })
    .toBuffer();
  return avifOf(avifParts(avif), { width: side, height: side, properties });
}

async function greyAvifWith(...properties: Buffer[]): Promise<Buffer> {
  const rgba = pixels(side, side, (x, y) => [0, 0, 0, (x + y) * 2]);
  const avif = await raw(rgba, 4).avif({ lossless: true }).toBuffer();
  return avifOf(opacityParts(avif), { width: side, height: side, properties });
}

const places = hundredThousandths(0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06);
const rounded = hundredThousandths(0.45455);

/** With what the two may differ by: they round in another order, and AVIF's chroma in another way. */
const files: Record<string, readonly [make: () => Promise<Buffer>, tolerance: number]> = {
  'a JPEG': [() => raw(soft, 3).jpeg().toBuffer(), 1],
  'a progressive JPEG': [() => raw(soft, 3).jpeg({ progressive: true }).toBuffer(), 1],
  'a grey JPEG': [() => raw(greyRamp, 1).toColourspace('b-w').jpeg().toBuffer(), 1],
  'a grey JPEG with a profile': [
    async () =>
      withJpegProfile(await raw(greyRamp, 1).toColourspace('b-w').jpeg().toBuffer(), inkProfile),
    2,
  ],
  'a grey JPEG with a profile for RGB': [
    async () =>
      withJpegProfile(await raw(greyRamp, 1).toColourspace('b-w').jpeg().toBuffer(), profile),
    1,
  ],
  'a JPEG in Adobe RGB': [
    async () => withJpegProfile(await raw(soft, 3).jpeg().toBuffer(), profile),
    1,
  ],
  'a JPEG with a profile for grey': [
    async () => withJpegProfile(await raw(soft, 3).jpeg().toBuffer(), inkProfile),
    1,
  ],
  'a JPEG that lies on its side': [
    () => raw(soft, 3).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    1,
  ],
  'a PNG': [() => pngWith({}), 0],
  'an interlaced PNG': [
    () => raw(ramp, 3).png({ progressive: true, palette: false }).toBuffer(),
    0,
  ],
  'a PNG with a palette': [
    () => raw(ramp, 3).png({ palette: true, colours: 32, dither: 0 }).toBuffer(),
    0,
  ],
  'a PNG of 16 bits': [() => pngWith({}, 16), 1],
  'a PNG in Adobe RGB': [() => pngWith({ iCCP: iccChunk(profile) }), 1],
  'a PNG in Adobe RGB of 16 bits': [() => pngWith({ iCCP: iccChunk(profile) }, 16), 2],
  'a grey PNG with a profile': [() => greyWith({ iCCP: iccChunk(inkProfile) }), 2],
  'a grey PNG with a profile of 16 bits': [() => greyWith({ iCCP: iccChunk(inkProfile) }, 16), 1],
  'gAMA of 1': [() => pngWith({ gAMA: hundredThousandths(1) }), 1],
  'gAMA of 1 in 16 bits': [() => pngWith({ gAMA: hundredThousandths(1) }, 16), 1],
  'gAMA of 1/1.8, grey': [() => greyWith({ gAMA: hundredThousandths(1 / 1.8) }), 1],
  'gAMA of 1/2.2': [() => pngWith({ gAMA: rounded }), 0],
  'gAMA and cHRM': [() => pngWith({ gAMA: rounded, cHRM: places }), 1],
  'cHRM alone': [() => pngWith({ cHRM: places }), 0],
  'gAMA beside sRGB': [() => pngWith({ sRGB: Buffer.from([0]), gAMA: hundredThousandths(1) }), 0],
  'gAMA beside a profile': [
    () => pngWith({ gAMA: hundredThousandths(1), iCCP: iccChunk(profile) }),
    1,
  ],
  'cICP beside a profile': [() => pngWith({ cICP: codes(1, 13), iCCP: iccChunk(profile) }), 0],
  ...Object.fromEntries(
    [
      [12, 13],
      [9, 14],
      [1, 1],
      [4, 4],
      [5, 5],
      [6, 6],
      [7, 7],
      [8, 17],
      [10, 8],
      [11, 13],
      [22, 13],
      [2, 2],
      [3, 3],
      [1, 9],
      [9, 16],
      [1, 16],
      [9, 18],
      [12, 18],
    ].map(([primaries = 0, transfer = 0]) => [
      `cICP of ${primaries} and ${transfer}`,
      [() => pngWith({ cICP: codes(primaries, transfer) }), 1] as const,
    ]),
  ),
  'an APNG': [
    async () => apng(await png(soft, side, 3), await png(ramp, side, 3), [side, side, 0, 0]),
    0,
  ],
  'a WebP': [() => raw(soft, 3).webp().toBuffer(), 1],
  'a lossless WebP': [() => raw(ramp, 3).webp({ lossless: true }).toBuffer(), 0],
  'an animated WebP': [() => frames().webp({ lossless: true }).toBuffer(), 0],
  'an animated WebP whose frames are parts': [() => webpOfFrames(3), 0],
  'a GIF': [() => raw(ramp, 3).gif({ dither: 0 }).toBuffer(), 0],
  'an animated GIF': [() => frames().gif({ dither: 0 }).toBuffer(), 0],
  'a GIF of many frames': [() => gifOfFrames(5), 0],
  'an AVIF': [() => avifWith(8), 2],
  'an AVIF of 10 bits': [() => avifWith(10), 2],
  'an AVIF in Adobe RGB': [() => avifWith(8, iccProperty(profile)), 2],
  'an AVIF in Adobe RGB of 10 bits': [() => avifWith(10, iccProperty(profile)), 4],
  'a grey AVIF': [() => greyAvifWith(), 1],
  'a grey AVIF with a profile': [() => greyAvifWith(iccProperty(inkProfile)), 1],
  ...Object.fromEntries(
    [
      [1, 13],
      [12, 13],
      [1, 1],
      [9, 14],
      [1, 4],
      [2, 2],
      [12, 2],
      [9, 16],
      [1, 16],
      [9, 18],
    ].map(([primaries = 0, transfer = 0]) => [
      `an AVIF of ${primaries} and ${transfer}`,
      [() => avifWith(10, nclx(primaries, transfer)), 5] as const,
    ]),
  ),
};

/** What of a page's world is used here. */
interface Canvas {
  width: number;
  height: number;
  getContext(kind: '2d'): {
    drawImage(image: unknown, x: number, y: number): void;
    getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray };
  };
}
declare const document: { createElement(name: 'canvas'): Canvas };
declare class Image {
  src: string;
  readonly naturalWidth: number;
  readonly naturalHeight: number;
  decode(): Promise<void>;
}

/** Shows a file, and reads its pixels back. */
async function openCanvas(t: Test) {
  const page = await newPage(t, '--force-color-profile=srgb');
  return (bytes: Buffer) =>
    page.evaluate(async (base64: string) => {
      const image = new Image();
      image.src = `data:;base64,${base64}`;
      await image.decode();
      const canvas = document.createElement('canvas');
      canvas.width = image.naturalWidth;
      canvas.height = image.naturalHeight;
      const context = canvas.getContext('2d');
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      return { width: canvas.width, height: canvas.height, data: [...data] };
    }, bytes.toString('base64'));
}

t.test('every format as Chromium shows it', { skip }, async (t) => {
  const show = await openCanvas(t);
  for (const [name, [make, tolerance]] of Object.entries(files)) {
    const bytes = await make();
    const { width, height, data } = await show(bytes);
    const { image, alpha } = await decodeContent(bytes, { maxPixels: 1e6, field: 'content' });
    t.match(image, { width, height }, name);
    // Where nothing is seen the colours are anybody’s.
    const off = [...image.data].map((value, at) => {
      const pixel = Math.floor(at / 3);
      return data[4 * pixel + 3] === 255
        ? Math.abs(value - (data[4 * pixel + (at % 3)] ?? NaN))
        : 0;
    });
    t.ok(Math.max(...off) <= tolerance, `${name}: ${Math.max(...off)} off`);
    const opacity = alpha ?? new Uint8Array(width * height).fill(255);
    t.ok(
      opacity.every((value, pixel) => value === data[4 * pixel + 3]),
      `${name}: opacity`,
    );
  }
});
