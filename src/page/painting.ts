import type { Painting } from '../client/index.ts';
import { alphaOf, weightsOf, type Settings } from './settings.ts';

/** A photograph in the sizes in which it is sent. */
export interface Content {
  readonly name: string;
  /** What the result is painted of. */
  readonly full: Blob;
  /** Of `full`, in pixels. */
  readonly width: number;
  readonly height: number;
  /** What previews are painted of, and the contact sheet. */
  readonly medium: Blob;
  readonly small: Blob;
  /** Whether `full` is smaller than the file was. */
  readonly isScaled: boolean;
  /** The file as it was, if it may have frames: what is scaled here has one. */
  readonly animation: Blob | undefined;
}

/** In pixels; every frame takes as long as a picture. */
const previewSides = { still: 768, animated: 384 };
/** No preview is painted larger: a server has others to serve. */
const mostPainted = 1536;
/** Server's: `auto` is 1 up to √2 · 1024, and in proportion to 1024 from there. */
const autoSide = 1024;

export const sideOf = (settings: Settings, { width, height }: Content): number =>
  settings.size ?? Math.max(width, height);

const isAnimated = (settings: Settings, { animation }: Content): boolean =>
  settings.frames === 'all' && animation !== undefined;

const previewSideOf = (settings: Settings, content: Content): number =>
  previewSides[isAnimated(settings, content) ? 'animated' : 'still'];

/** As wide in the preview, of its size, as they are in the result. */
function strokesInProportion(settings: Settings, content: Content): number {
  const side = sideOf(settings, content);
  const auto = side > autoSide * Math.SQRT2 ? side / autoSide : 1;
  const width = settings.strokes === 'auto' ? auto : settings.strokes;
  return (width * previewSideOf(settings, content)) / side;
}

const leastStrokes = (settings: Settings, content: Content): number =>
  previewSideOf(settings, content) / mostPainted;

/** Whether the result has finer strokes than a preview can show. */
export const isFiner = (settings: Settings, content: Content): boolean =>
  !isWhole(settings, content) &&
  strokesInProportion(settings, content) < leastStrokes(settings, content);

/** Whether the preview is the result itself. */
export const isWhole = (settings: Settings, content: Content): boolean =>
  sideOf(settings, content) <= previewSideOf(settings, content);

function lookOf({ styles, strokes, color }: Settings, masks: readonly Blob[]) {
  const weights = weightsOf(styles);
  return {
    styles: styles.flatMap(({ picture, id }) => picture ?? id ?? []),
    ...(weights && { weights }),
    alpha: alphaOf(styles),
    ...(masks.length > 0 && { mask: masks }),
    strokes,
    color,
  };
}

/** The request of the result. */
export function resultOf(
  settings: Settings,
  content: Content,
  masks: readonly Blob[] = [],
): Painting {
  const { format, quality } = settings;
  const animation = isAnimated(settings, content) ? content.animation : undefined;
  // A file is sent as it is, and what is painted of it is as large as without its other frames.
  const size =
    settings.size ?? (animation && content.isScaled ? sideOf(settings, content) : undefined);
  return {
    content: animation ?? content.full,
    ...lookOf(settings, masks),
    ...(size !== undefined && { size }),
    ...(format && { format }),
    quality,
    ...(animation && { frames: 'all' }),
  };
}

/** The request of a smaller picture that looks as the result will: strokes as wide in proportion. */
export function previewOf(
  settings: Settings,
  content: Content,
  masks: readonly Blob[] = [],
): Painting {
  const whole = resultOf(settings, content, masks);
  if (isWhole(settings, content)) return whole;
  const previewSide = previewSideOf(settings, content);
  const strokes = Math.max(leastStrokes(settings, content), strokesInProportion(settings, content));
  return {
    ...whole,
    content: isAnimated(settings, content) ? whole.content : content.medium,
    size: previewSide,
    strokes: Math.round(strokes * 1000) / 1000,
    format: 'webp',
    quality: 85,
  };
}

/** Longest sides of frames of the webcam, in pixels. */
export const frameSides = { slow: 256, fast: 384 } as const;

/** Larger where there are many frames a second, and no smaller before there are few. */
export function sideAt(rate: number, side: number): number {
  if (rate > 15) return frameSides.fast;
  return rate < 5 ? frameSides.slow : side;
}

/** The request of a frame of the webcam. Strokes are as wide, in its own pixels. */
export const frameOf = (settings: Settings, frame: Blob, masks: readonly Blob[]): Painting => ({
  content: frame,
  ...lookOf(settings, masks),
  format: 'jpeg',
  quality: 85,
});

/** The request of one picture of the contact sheet. */
export const thumbnailOf = (content: Content, styleId: string): Painting => ({
  content: content.small,
  styles: [styleId],
  size: 256,
  format: 'webp',
  quality: 80,
});
