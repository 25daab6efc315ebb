// Writes what check.sh sends to a container with little memory, into the folder given. Runs in the
// image, whose Node strips the types.
import { writeFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';

const [folder = '.'] = process.argv.slice(2);
const limitInputPixels = false;

/** Soft noise, with spots of so many pixels: the smaller they are, the larger the file. */
function photograph(width: number, height: number, channels: 3 | 4, spots = 8): Sharp {
  const noise = { type: 'gaussian', mean: 128, sigma: 50 } as const;
  const size = { width: width / spots, height: height / spots };
  const coarse = { ...size, channels: 3, background: 'black', noise } as const;
  const picture = sharp({ create: coarse, limitInputPixels }).resize(width, height);
  return channels === 4 ? picture.ensureAlpha(0.6) : picture;
}

const sizes = { 24: [6000, 4000], 48: [8000, 6000] } as const;
for (const [megapixels, [width, height]] of Object.entries(sizes)) {
  const jpeg = await photograph(width, height, 3).jpeg({ quality: 85 }).toBuffer();
  await writeFile(`${folder}/${megapixels}.jpg`, jpeg);
  const png = await photograph(width, height, 4, 200).png({ compressionLevel: 9 }).toBuffer();
  await writeFile(`${folder}/${megapixels}.png`, png);
}

const [width, height, frames] = [1600, 1000, 10] as const;
const raw = { width, height: height * frames, channels: 4, pageHeight: height } as const;
const strip = await photograph(width, height * frames, 4)
  .raw()
  .toBuffer();
const webp = await sharp(strip, { raw, limitInputPixels }).webp({ effort: 0 }).toBuffer();
await writeFile(`${folder}/animated.webp`, webp);
