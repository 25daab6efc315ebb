export const clamp = (value: number, low = 0, high = 1): number =>
  value < low ? low : value > high ? high : value;

export const lerp = (a: number, b: number, t: number): number => a + (b - a) * t;

/** 0 below `from`, 1 above `to`, smooth between; `from` may be the larger, then it falls. */
export function smoothstep(from: number, to: number, value: number): number {
  const t = clamp((value - from) / (to - from));
  return t * t * (3 - 2 * t);
}

/** The part after the point, also for negative numbers: a saw tooth of period 1. */
export const fraction = (value: number): number => value - Math.floor(value);

export type Point = readonly [x: number, y: number];
