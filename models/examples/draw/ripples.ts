import { smoothstep } from '../../styles/draw/kit/math.ts';
import { fractal, noise } from '../../styles/draw/kit/noise.ts';
import { normalize, type Vector } from './vector.ts';

/** The normal of a breathing water surface: ripples that run in wind lanes, `strength` times as steep. */
export function rippled(x: number, z: number, strength: number): Vector {
  const lanes = 0.35 + 0.65 * smoothstep(-0.2, 0.4, fractal(x / 90, z / 30, 100, 3));
  const swell = (seed: number): number =>
    0.016 * noise(x / 1.3, z / 0.5, seed) +
    0.02 * noise(x / 4.5, z / 1.5, seed + 1) +
    0.009 * noise(x / 0.4, z / 0.17, seed + 2);
  const steep = lanes * strength;
  return normalize([swell(101) * steep, 1, 1.6 * swell(111) * steep]);
}
