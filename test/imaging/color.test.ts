import sharp from 'sharp';
import t, { type Test } from 'tap';

import { avifOf, avifParts, iccProperty, nclx, opacityParts, premultiplied } from './avif.ts';
import {
  adobeRgbProfile,
  decodeContent,
  greyProfile,
  hundredThousandths,
  iccChunk,
  iccCurve,
  iccFormula,
  pixels,
  png,
  type Rgb,
  rgbProfile,
  withJpegProfile,
  withPngChunks,
} from './files.ts';

const side = 32;

/** Pictures of one column a level, each level so many times. */
const levels = [0, 32, 64, 96, 128, 160, 192, 224];
const ramp = pixels(side, side, (x) => [levels[x >> 2] ?? 0]);
const colorRamp = pixels(side, side, (x) => [
  levels[x >> 2] ?? 0,
  128,
  255 - (levels[x >> 2] ?? 0),
]);

async function decode(bytes: Buffer) {
  return decodeContent(bytes, { maxPixels: 1_000_000, field: 'content' });
}

/** The colours of the eight levels. */
async function colorsOf(bytes: Buffer): Promise<number[][]> {
  const { data } = (await decode(bytes)).image;
  return levels.map((_, level) => [...data.subarray(3 * (4 * level + 1), 3 * (4 * level + 2))]);
}

const encode = (light: number) => {
  const within = Math.min(1, Math.max(0, light));
  return 255 * (within <= 0.0031308 ? 12.92 * within : 1.055 * within ** (1 / 2.4) - 0.055);
};
const srgbLight = (byte: number) =>
  byte / 255 <= 0.04045 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4;

/** Every channel is within `tolerance` of what is expected. */
function close(
  t: Test,
  found: number[][],
  expected: readonly (readonly number[])[],
  name: string,
  tolerance = 1,
) {
  const off = found.flatMap((color, index) =>
    color.map((value, channel) => Math.abs(value - (expected[index]?.[channel] ?? NaN))),
  );
  t.ok(
    Math.max(...off) <= tolerance,
    `${name}: ${found.join(' ')} is ${expected.map((color) => color.map(Math.round).join()).join(' ')}`,
  );
}

const greys = (light: (sample: number) => number) =>
  levels.map((level) => [0, 0, 0].map(() => encode(light(level / 255))));

t.test('grey with a profile, of 8 bits and of 16, with opacity and without', async (t) => {
  // Ink spreads on paper: what printers call a dot gain.
  const gain = (sample: number) => sample ** 1.75;
  const profile = greyProfile(iccCurve(...Array.from({ length: 256 }, (_, at) => gain(at / 255))));
  for (const bits of [8, 16] as const) {
    const plain = await png(ramp, side, 1, bits);
    close(
      t,
      await colorsOf(plain),
      levels.map((level) => [level, level, level]),
      'no profile',
      0,
    );
    const bytes = withPngChunks(plain, { iCCP: iccChunk(profile) });
    close(t, await colorsOf(bytes), greys(gain), `${bits} bits`);
  }
  const samples = Uint16Array.from(
    pixels(side, side, (x) => [levels[x >> 2] ?? 0, 100]),
    (byte) => 257 * byte,
  );
  const withAlpha = await sharp(samples, { raw: { width: side, height: side, channels: 2 } })
    .toColourspace('grey16')
    .png()
    .toBuffer();
  t.match(await sharp(withAlpha).metadata(), { space: 'grey16', channels: 2 });
  const { image, alpha } = await decode(withPngChunks(withAlpha, { iCCP: iccChunk(profile) }));
  t.equal(alpha?.[0], 100);
  const [, second] = greys(gain);
  t.ok(Math.abs((image.data[3 * 5] ?? 0) - (second?.[0] ?? NaN)) <= 1);
});

t.test('the dot gain of 20 % that editors write', async (t) => {
  // Its curve, read off at the levels.
  const bytes = [0, 55, 89, 120, 149, 177, 204, 230];
  const curve = Array.from({ length: 256 }, (_, at) => {
    const level = Math.min(at / 32, 6.999);
    const [below = 0, above = 0] = bytes.slice(Math.floor(level));
    return at > 224
      ? srgbLight(230 + ((at - 224) * 25) / 31)
      : srgbLight(below + (above - below) * (level % 1));
  });
  for (const bits of [8, 16] as const) {
    const plain = await png(ramp, side, 1, bits);
    const file = withPngChunks(plain, { iCCP: iccChunk(greyProfile(iccCurve(...curve))) });
    close(
      t,
      await colorsOf(file),
      bytes.map((byte) => [byte, byte, byte]),
      `${bits} bits`,
      2,
    );
  }
});

t.test('a profile says its curve in one of several ways', async (t) => {
  const srgb = [1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045] as const;
  const [a, b, c, d] = srgb;
  for (const [name, curve, light] of [
    ['none', iccCurve(), (sample: number) => sample],
    ['a power', iccFormula(0, 1.8), (sample: number) => sample ** 1.8],
    [
      'of a part',
      iccFormula(1, 2, 1.25, -0.25),
      (sample: number) => Math.max(1.25 * sample - 0.25, 0) ** 2,
    ],
    [
      'and more',
      iccFormula(2, 2, 1.25, -0.25, 0.1),
      (sample: number) => Math.max(1.25 * sample - 0.25, 0) ** 2 + 0.1,
    ],
    ['sRGB', iccFormula(3, 2.4, ...srgb), (sample: number) => srgbLight(255 * sample)],
    [
      'sRGB and more',
      iccFormula(4, 2.4, a, b, c, d, 0.1, 0.1),
      (sample: number) => 0.1 + srgbLight(255 * sample),
    ],
  ] as const) {
    const plain = await png(ramp, side, 1, 16);
    const bytes = withPngChunks(plain, { iCCP: iccChunk(greyProfile(curve)) });
    close(t, await colorsOf(bytes), greys(light), name);
  }
  const lab = greyProfile(iccCurve(), 'Lab ');
  const bytes = withPngChunks(await png(ramp, side, 1, 16), { iCCP: iccChunk(lab) });
  const lightness = (sample: number) =>
    sample > 0.08 ? ((100 * sample + 16) / 116) ** 3 : (100 * sample) / 903.3;
  close(t, await colorsOf(bytes), greys(lightness), 'lightness');
});

t.test('what is no curve, or cut off, is passed over', async (t) => {
  const plain = await png(ramp, side, 1, 16);
  const expected = levels.map((level) => [level, level, level]);
  const long = iccCurve(0, 0.5, 1);
  long.writeUInt32BE(5000, 8);
  for (const curve of [iccFormula(5, 1), iccFormula(3, 2), Buffer.from('text\0\0\0\0none'), long]) {
    const bytes = withPngChunks(plain, { iCCP: iccChunk(greyProfile(curve)) });
    close(t, await colorsOf(bytes), expected, curve.toString('latin1', 0, 4));
  }
});

t.test('RGB of 16 bits with a wide profile has the colours of its twin of 8', async (t) => {
  const saturated = pixels(
    side,
    side,
    (x) =>
      [
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
        [255, 255, 0],
        [250, 20, 10],
        [90, 200, 10],
        [10, 10, 10],
        [200, 190, 210],
      ][x >> 2] ?? [],
  );
  const chunk = iccChunk(adobeRgbProfile());
  const eight = await colorsOf(withPngChunks(await png(saturated, side, 3), { iCCP: chunk }));
  const sixteen = await colorsOf(withPngChunks(await png(saturated, side, 3, 16), { iCCP: chunk }));
  t.strictSame(eight[0], [255, 0, 0]);
  close(t, sixteen, eight, 'as PNG');

  const plain = await sharp(saturated, { raw: { width: side, height: side, channels: 3 } })
    .avif({ lossless: true, bitdepth: 10 })
    .toBuffer();
  const properties = [iccProperty(adobeRgbProfile()), nclx(9, 16, 0)];
  const ten = avifOf(avifParts(plain), { width: side, height: side, properties });
  close(t, await colorsOf(ten), eight, 'as AVIF, whose codes do not count beside a profile', 3);
});

t.test('a profile of tables is left to the library', async (t) => {
  const tables = rgbProfile(iccCurve(), { A2B0: Buffer.from('mft2\0\0\0\0') });
  const bytes = withPngChunks(await png(colorRamp, side, 3, 16), { iCCP: iccChunk(tables) });
  t.equal((await colorsOf(bytes)).length, 8);
});

t.test(
  'grey with a profile for RGB takes its curve; colours with one for grey take none',
  async (t) => {
    const grey = await sharp(ramp, { raw: { width: side, height: side, channels: 1 } })
      .toColourspace('b-w')
      .jpeg({ quality: 100 })
      .toBuffer();
    const curve = iccFormula(0, 1.8);
    const light = (sample: number) => sample ** 1.8;
    close(t, await colorsOf(withJpegProfile(grey, rgbProfile(curve))), greys(light), 'grey', 2);
    const color = await sharp(colorRamp, { raw: { width: side, height: side, channels: 3 } })
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer();
    const found = await colorsOf(withJpegProfile(color, greyProfile(curve)));
    close(t, found, await colorsOf(color), 'colours', 0);
  },
);

t.test('an AVIF of grey with a profile', async (t) => {
  const rgba = pixels(side, side, (x) => [0, 0, 0, levels[x >> 2] ?? 0]);
  const avif = await sharp(rgba, { raw: { width: side, height: side, channels: 4 } })
    .avif({ lossless: true })
    .toBuffer();
  const properties = [iccProperty(greyProfile(iccFormula(0, 1.8)))];
  const bytes = avifOf(opacityParts(avif), { width: side, height: side, properties });
  close(
    t,
    await colorsOf(bytes),
    greys((sample) => sample ** 1.8),
    'grey',
  );
});

const p3ToSrgb = ([r, g, b]: Rgb) =>
  [
    1.22494 * r - 0.22494 * g,
    -0.04206 * r + 1.04206 * g,
    -0.01964 * r - 0.07864 * g + 1.09827 * b,
  ].map(encode);
const lightOf = (light: (sample: number) => number) =>
  levels.map((level): Rgb => [light(level / 255), light(128 / 255), light((255 - level) / 255)]);
const asSrgb = (sample: number) => srgbLight(255 * sample);

const linear = hundredThousandths(1);
const p3Places = hundredThousandths(0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06);
const srgbPlaces = hundredThousandths(0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06);
const codes = (primaries: number, transfer: number) => Buffer.from([primaries, transfer, 0, 1]);

t.test('PNG: gAMA and cHRM', async (t) => {
  for (const bits of [8, 16] as const) {
    const plain = await png(colorRamp, side, 3, bits);
    const found = (chunks: Record<string, Buffer>) => colorsOf(withPngChunks(plain, chunks));
    const own = await found({});
    close(
      t,
      await found({ gAMA: linear }),
      lightOf((sample) => sample).map((color) => color.map(encode)),
      'linear',
    );
    close(t, await found({ gAMA: hundredThousandths(0.45455) }), own, 'sRGB, rounded', 0);
    const power = (sample: number) => sample ** 2.2;
    close(
      t,
      await found({ gAMA: hundredThousandths(0.45455), cHRM: p3Places }),
      lightOf(power).map(p3ToSrgb),
      'P3',
    );
    close(
      t,
      await found({ gAMA: hundredThousandths(0.45455), cHRM: srgbPlaces }),
      lightOf(power).map((color) => color.map(encode)),
      '2.2',
    );
    close(t, await found({ cHRM: p3Places }), own, 'cHRM alone says nothing', 0);
    close(t, await found({ gAMA: hundredThousandths(0), cHRM: p3Places }), own, 'a gamma of 0', 0);
    const none = hundredThousandths(0, 0, 0, 0, 0, 0, 0, 0);
    close(
      t,
      await found({ gAMA: linear, cHRM: none }),
      await found({ gAMA: linear }),
      'no triangle',
      0,
    );
  }
  const grey = withPngChunks(await png(ramp, side, 1), { gAMA: linear, cHRM: p3Places });
  close(
    t,
    await colorsOf(grey),
    greys((sample) => sample),
    'grey',
  );
});

t.test('PNG: of cICP, iCCP, sRGB and gAMA the first counts', async (t) => {
  const plain = await png(colorRamp, side, 3);
  const found = (chunks: Record<string, Buffer>) => colorsOf(withPngChunks(plain, chunks));
  const own = await found({});
  const profile = { iCCP: iccChunk(adobeRgbProfile()) };
  const others = { gAMA: linear, cHRM: p3Places };
  const p3 = lightOf(asSrgb).map(p3ToSrgb);
  close(t, await found({ cICP: codes(12, 13) }), p3, 'P3');
  close(t, await found({ cICP: codes(12, 13), ...profile, ...others }), p3, 'codes');
  close(t, await found({ cICP: codes(1, 13), ...profile, ...others }), own, 'sRGB by codes', 0);
  close(t, await found({ ...profile, ...others }), await found(profile), 'a profile', 0);
  close(t, await found({ sRGB: Buffer.from([0]), ...others }), own, 'sRGB', 0);
  for (const [name, chunk] of Object.entries({
    'nobody’s codes': codes(12, 9),
    'nobody’s primaries': codes(3, 13),
    'narrow range': Buffer.from([12, 13, 0, 0]),
    YCbCr: Buffer.from([12, 13, 1, 1]),
    'too short': Buffer.from([12, 13]),
  })) {
    close(t, await found({ cICP: chunk }), own, name, 0);
    close(t, await found({ cICP: chunk, ...profile }), await found(profile), name, 0);
  }
});

t.test('every curve that has a code', async (t) => {
  const plain = await png(ramp, side, 1);
  for (const [code, light] of Object.entries({
    1: (sample: number) => sample ** 2.4,
    4: (sample: number) => sample ** 2.2,
    5: (sample: number) => sample ** 2.8,
    7: (sample: number) =>
      sample < 0.0913 ? sample / 4 : ((sample + 0.1115) / 1.1115) ** (1 / 0.45),
    8: (sample: number) => sample,
    17: (sample: number) => (52.37 / 48) * sample ** 2.6,
  })) {
    const bytes = withPngChunks(plain, { cICP: codes(1, Number(code)) });
    close(t, await colorsOf(bytes), greys(light), `code ${code}`);
  }
});

t.test('HDR is shown with paper white at half of the light, and its peak as white', async (t) => {
  // Samples of PQ for 203 and 1,000 cd/m², of HLG for the same on a screen of 1,000.
  for (const [transfer, paper, peak] of [
    [16, 0.5807, 0.7518],
    [18, 0.7504, 1],
  ] as const) {
    const samples = [0, paper / 2, paper, (paper + peak) / 2, peak, 1].map((sample) =>
      Math.round(65_535 * sample),
    );
    const data = Uint16Array.from(
      { length: 3 * side * side },
      (_, at) => samples[Math.floor((at / 3) % side)] ?? 0,
    );
    const bytes = await sharp(data, { raw: { width: side, height: side, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    for (const primaries of [1, 9, 12]) {
      const { image } = await decode(withPngChunks(bytes, { cICP: codes(primaries, transfer) }));
      const at = (x: number) => [...image.data.subarray(3 * x, 3 * x + 3)];
      t.strictSame(
        [at(0), at(4), at(5)],
        [
          [0, 0, 0],
          [255, 255, 255],
          [255, 255, 255],
        ],
      );
      const [dark = 0, half = 0, bright = 0] = [at(1), at(2), at(3)].map(([red]) => red);
      t.ok(Math.abs(half - encode(0.5)) <= 1, `paper white is ${half}`);
      t.ok(dark < half && half < bright && bright < 255, `${dark} < ${half} < ${bright}`);
      t.ok(
        at(2).every((value) => value === half),
        'grey stays grey',
      );
    }
  }
});

t.test('AVIF: codes of its container', async (t) => {
  const plain = await sharp(colorRamp, { raw: { width: side, height: side, channels: 3 } })
    .avif({ lossless: true })
    .toBuffer();
  const found = (...properties: Buffer[]) =>
    colorsOf(avifOf(avifParts(plain), { width: side, height: side, properties }));
  const own = await found();
  const p3 = lightOf(asSrgb).map(p3ToSrgb);
  close(t, await found(nclx(12, 13, 0)), p3, 'P3', 2);
  for (const transfer of [1, 2, 6, 14]) {
    close(t, await found(nclx(12, transfer, 0)), p3, 'the curve of video is sRGB’s', 2);
  }
  close(t, await found(nclx(2, 2, 0)), own, 'unspecified', 0);
  close(
    t,
    await found(nclx(1, 8, 0)),
    lightOf((sample) => sample).map((color) => color.map(encode)),
    'linear',
    3,
  );
});

t.test('opacity is what it was, and sides and size are', async (t) => {
  const rgba = pixels(side, side, (x) => [levels[x >> 2] ?? 0, 0, 0, 200 - x]);
  for (const bits of [8, 16] as const) {
    const bytes = withPngChunks(await png(rgba, side, 4, bits), { gAMA: linear });
    const { image, alpha } = await decode(bytes);
    t.strictSame(
      [...(alpha ?? [])].slice(0, side),
      Array.from({ length: side }, (_, x) => 200 - x),
    );
    t.ok(Math.abs((image.data[3 * 5] ?? 0) - encode(32 / 255)) <= 1);
    const small = await decodeContent(bytes, { maxPixels: 1e6, field: 'content', size: 16 });
    t.match(small.image, { width: 16, height: 16 });
  }
});

t.test('colours of an AVIF that were multiplied by its opacity are divided by it', async (t) => {
  const rgba = pixels(side, side, (x) => (x < 16 ? [128, 64, 0, 128] : [10, 20, 30, 255]));
  const raw = { width: side, height: side, channels: 4 } as const;
  const avif = await sharp(rgba, { raw }).avif({ lossless: true }).toBuffer();
  for (const size of [side, 2 * side]) {
    const limits = { maxPixels: 1e6, field: 'content', size };
    const are = async (bytes: Buffer, expected: readonly number[]) => {
      const { image, alpha } = await decodeContent(bytes, limits);
      t.equal(alpha?.[0], 128);
      const colors = [...image.data.subarray(0, 3), ...image.data.subarray(-3)];
      // Scaling with opacity rounds down, twice.
      const off = colors.map((color, at) => Math.abs(color - (expected[at] ?? NaN)));
      t.ok(Math.max(...off) <= (size === side ? 0 : 2), `${size}: ${colors.join()}`);
    };
    await are(avif, [128, 64, 0, 10, 20, 30]);
    await are(premultiplied(avif), [255, 128, 0, 10, 20, 30]);
  }
});
