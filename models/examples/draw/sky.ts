import { smoothstep } from '../../styles/draw/kit/math.ts';
import { fractal, noise } from '../../styles/draw/kit/noise.ts';
import { add, dot, mix, normalize, scale, type Vector } from './vector.ts';

/** A late sun on the left, just ahead of the camera. */
export const SUN: Vector = normalize([-0.8, 0.36, 0.12]);
export const SUNLIGHT: Vector = [6.2, 3.9, 2.1];
export const SKYLIGHT: Vector = [0.42, 0.56, 0.86];

export function sky(direction: Vector): Vector {
  const up = Math.max(direction[1], 0.001);
  const toSun = Math.max(dot(direction, SUN), 0);
  const warm = mix([1.5, 0.86, 0.5], [0.95, 0.8, 0.72], smoothstep(0.9, 0.2, toSun));
  const air = mix(warm, [0.14, 0.3, 0.66], smoothstep(0, 0.42, up) ** 0.6);
  const glow = scale([1.6, 0.9, 0.4], toSun ** 6 * 0.5 + toSun ** 60);
  const clear = add(air, glow);
  // One sheet of cloud; it is thicker, hence darker, where the next point towards the sun is thick too.
  const [x, z] = [(direction[0] / (up + 0.04)) * 1.5, (direction[2] / (up + 0.04)) * 1.5];
  const thick = (px: number, pz: number): number =>
    fractal(px * 0.55 + 0.3 * noise(pz, px, 83), pz * 0.9, 80, 6) +
    0.28 * noise(px / 4, pz / 3, 81) +
    0.04;
  const here = thick(x, z);
  const shade = smoothstep(-0.15, 0.5, thick(x - 0.28, z + 0.06));
  const cloud = mix([2.3, 1.5, 0.95], [0.36, 0.36, 0.5], shade);
  return mix(clear, cloud, smoothstep(0.02, 0.42, here) * smoothstep(0.015, 0.14, up) * 0.92);
}
