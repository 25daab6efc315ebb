import type { Content } from './painting.ts';

/** Longest sides, in pixels. */
const sides = { full: 2048, medium: 1536, small: 512, style: 1024 };

/**
 * A file as it is now. One on the disk is read anew for every request, and for a browser that cannot
 * (it was moved, or saved anew) the service does not answer.
 * @throws Error where it cannot be read
 */
export async function keep(file: File): Promise<File> {
  const bytes = await file.arrayBuffer().catch((cause: unknown) => {
    throw new Error(`${file.name} cannot be read. Choose it again.`, { cause });
  });
  return new File([bytes], file.name, { type: file.type });
}

/**
 * Reads a photograph and makes what is sent of it.
 * @throws DOMException where the browser cannot decode it
 */
export async function readContent(file: File, keepsSize: boolean): Promise<Content> {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  const longest = Math.max(width, height);
  const isScaled = !keepsSize && longest > sides.full;
  const scale = isScaled ? sides.full / longest : 1;
  const [small, medium, full] = await Promise.all([
    scaled(bitmap, sides.small),
    longest > sides.medium ? scaled(bitmap, sides.medium) : file,
    isScaled ? scaled(bitmap, sides.full) : file,
  ]);
  bitmap.close();
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
  return {
    name: file.name.replace(/\.\w+$/, ''),
    ...{ full, medium, small, isScaled, ...size },
    animation: /^image\/(gif|webp)$/.test(file.type) ? file : undefined,
  };
}

/** A style's picture, no larger than is worth sending; as it is where the browser cannot read it. */
export async function readStyle(file: File): Promise<Blob> {
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  const isLarge = bitmap && Math.max(bitmap.width, bitmap.height) > sides.style;
  const picture = isLarge ? await scaled(bitmap, sides.style) : file;
  bitmap?.close();
  return picture;
}

async function scaled(bitmap: ImageBitmap, side: number): Promise<Blob> {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser gives no canvas.');
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const type = isOpaque(data) ? 'image/jpeg' : 'image/png';
  return canvas.convertToBlob({ type, quality: 0.92 });
}

/** @param data red, green, blue and alpha of each pixel */
export const isOpaque = (data: ImageData['data']): boolean =>
  data.every((value, at) => at % 4 !== 3 || value === 255);
