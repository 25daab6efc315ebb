/** The formats in which a result can be sent. All four can be sent in, too. */
export const pictureFormats = ['jpeg', 'png', 'webp', 'avif'] as const;
export type PictureFormat = (typeof pictureFormats)[number];

/** The formats in which an animation can be sent. */
export const animationFormats = ['webp', 'gif'] as const;
export type AnimationFormat = (typeof animationFormats)[number];

export const resultFormats = [...pictureFormats, 'gif'] as const;
export type ResultFormat = (typeof resultFormats)[number];

/** The formats that we decode. TIFF, SVG, PDF, HEIC and the rest are refused by their first bytes. */
export type InputFormat = PictureFormat | 'gif';

export const inputFormatNames = 'JPEG, PNG, WebP, AVIF or GIF';

/** Media types of results. */
export const mediaTypes: Readonly<Record<ResultFormat, string>> = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  avif: 'image/avif',
  gif: 'image/gif',
};

/**
 * The largest result that each format takes: its encoder's longest side, and all pixels together
 * where the encoder's memory sets a bound (AVIF takes 38 bytes a pixel: 1 GB for these 25
 * megapixels, 4 GB for 100).
 */
export const resultLimits: Readonly<Record<ResultFormat, { side: number; pixels: number }>> = {
  jpeg: { side: 65_500, pixels: Infinity },
  png: { side: 100_000_000, pixels: Infinity },
  webp: { side: 16_383, pixels: Infinity },
  avif: { side: 16_384, pixels: 25_000_000 },
  gif: { side: 65_535, pixels: Infinity },
};

/**
 * The most pixels that a format may bring, where its decoder needs a bound of its own: AVIF's takes up
 * to 26 bytes a pixel, 4 times what a JPEG takes.
 */
export const inputPixels: Readonly<Record<InputFormat, number>> = {
  jpeg: Infinity,
  png: Infinity,
  webp: Infinity,
  gif: Infinity,
  avif: resultLimits.avif.pixels,
};

const mediaTypesByExtension = new Map(Object.entries({ ...mediaTypes, jpg: mediaTypes.jpeg }));

/** The media type that a file name's extension (`jpg`, no dot) promises, if we decode it. */
export function mediaTypeOf(extension: string): string | undefined {
  return mediaTypesByExtension.get(extension.toLowerCase());
}

/**
 * What "the content's own format" means for a result: a GIF comes back as PNG, the one of the four
 * that keeps its flat colours and hard edges.
 */
export function resultFormat(format: InputFormat): PictureFormat {
  return format === 'gif' ? 'png' : format;
}

/** The same for an animation. */
export function animationFormat(format: InputFormat): AnimationFormat {
  return format === 'gif' ? 'gif' : 'webp';
}

/**
 * Tells a picture's format from its first bytes; names and declared media types are not trusted.
 * Undefined for everything that we do not decode, so that no other loader ever sees the bytes.
 */
export function sniffFormat(bytes: Uint8Array): InputFormat | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 64));
  if (head.toString('latin1', 0, 3) === '\xff\xd8\xff') return 'jpeg';
  if (head.toString('latin1', 0, 8) === '\x89PNG\r\n\x1a\n') return 'png';
  if (/^GIF8[79]a/.test(head.toString('latin1', 0, 6))) return 'gif';
  if (/^RIFF[^]{4}WEBP/.test(head.toString('latin1', 0, 12))) return 'webp';
  if (head.toString('latin1', 4, 8) === 'ftyp' && hasAvifBrand(head)) return 'avif';
  return undefined;
}

/** HEIC shares AVIF's container: the brands (major at 8, compatible from 16 on) tell them apart. */
function hasAvifBrand(head: Buffer): boolean {
  const end = Math.min(head.readUInt32BE(0), head.length);
  for (let at = 8; at + 4 <= end; at += at === 8 ? 8 : 4) {
    if (/^avi[fs]$/.test(head.toString('latin1', at, at + 4))) return true;
  }
  return false;
}
