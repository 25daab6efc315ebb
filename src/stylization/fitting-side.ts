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
  const [shortest, longest] = [Math.min(width, height), Math.max(width, height)];
  const fits = (side: number) => {
    const scaled = (length: number) => Math.round((length * side) / longest);
    return boundMs({ width: scaled(width), height: scaled(height) }) <= allowedMs;
  };
  // Below it the shorter side would be too short, and the picture refused for that.
  const smallest = Math.ceil(((smallestSide - 0.5) * longest) / shortest);
  let [fitting, tooLarge] = [Math.max(smallestSide, smallest), longest];
  if (!fits(fitting) || fits(tooLarge)) return undefined;
  while (tooLarge - fitting > 1) {
    const middle = Math.floor((fitting + tooLarge) / 2);
    if (fits(middle)) fitting = middle;
    else tooLarge = middle;
  }
  return fitting;
}
