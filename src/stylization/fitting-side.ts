import { smallestSide, type Size } from '../rgb-image.ts';

/**
 * The longest side of the largest picture of this shape that takes no longer; undefined if not even
 * the smallest would do, or if this one would.
 */
export function fittingSide(
  { width, height }: Size,
  boundMs: (size: Size) => number,
  allowedMs: number,
): number | undefined {
  const longest = Math.max(width, height);
  const fits = (side: number) => {
    const scaled = (length: number) =>
      Math.max(smallestSide, Math.round((length * side) / longest));
    return boundMs({ width: scaled(width), height: scaled(height) }) <= allowedMs;
  };
  let [fitting, tooLarge] = [smallestSide, longest];
  if (!fits(fitting) || fits(tooLarge)) return undefined;
  while (tooLarge - fitting > 1) {
    const middle = Math.floor((fitting + tooLarge) / 2);
    if (fits(middle)) fitting = middle;
    else tooLarge = middle;
  }
  return fitting;
}
