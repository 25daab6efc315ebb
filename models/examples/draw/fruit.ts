import { smoothstep } from '../../styles/draw/kit/math.ts';
import { fractal, noise } from '../../styles/draw/kit/noise.ts';
import type { Profile } from './solids.ts';
import { mottle, pores, type Texture } from './texture.ts';
import { mix } from './vector.ts';

export const orange =
  (seed: number): Texture =>
  (at) => ({
    albedo: mix([0.82, 0.3, 0.02], [0.9, 0.44, 0.05], mottle(at, 0.9, seed)),
    coat: 0.035,
    roughness: 0.22,
    bump: pores(at, 0.06, 0.16, seed),
  });

export const apple =
  (x: number, z: number, seed: number): Texture =>
  (at) => {
    const angle = Math.atan2(at[2] - z, at[0] - x);
    const streaks = fractal(angle * 7, at[1] * 0.9, seed, 3);
    const blush = smoothstep(-0.5, 0.5, Math.sin(angle + seed) + 0.9 * streaks + 0.4);
    const skin = mix([0.62, 0.5, 0.08], [0.5, 0.025, 0.03], blush);
    const dots = smoothstep(0.62, 0.72, noise(angle * 14, at[1] * 14, seed + 5));
    return {
      albedo: mix(skin, [0.8, 0.66, 0.4], 0.5 * dots),
      coat: 0.045,
      roughness: 0.06,
      bump: pores(at, 0.5, 0.03, seed),
    };
  };

export const lemon: Texture = (at) => ({
  albedo: mix([0.85, 0.6, 0.03], [0.9, 0.74, 0.1], mottle(at, 0.7, 31)),
  coat: 0.035,
  roughness: 0.2,
  bump: pores(at, 0.09, 0.13, 31),
});

export const pear: Texture = (at) => {
  const russet = smoothstep(0.5, 0.62, noise(at[0] * 16, at[1] * 16 + at[2] * 16, 41));
  const skin = mix(
    [0.42, 0.46, 0.08],
    [0.66, 0.42, 0.1],
    mottle(at, 1.4, 42) + 0.5 * (at[0] + 2.4),
  );
  return {
    albedo: mix(skin, [0.3, 0.2, 0.07], 0.7 * russet),
    coat: 0.03,
    roughness: 0.2,
    bump: pores(at, 0.16, 0.06, 43),
  };
};

export const grape: Texture = (at) => ({
  albedo: mix([0.05, 0.012, 0.05], [0.16, 0.12, 0.2], 0.8 * mottle(at, 0.35, 51)),
  coat: 0.04,
  roughness: 0.12,
});

export const apples: Profile = [
  [0, 0.1],
  [0.25, 0],
  [0.6, 0.2],
  [0.76, 0.65],
  [0.66, 1.08],
  [0.34, 1.24],
  [0.12, 1.12],
  [0, 1],
];

export const pears: Profile = [
  [0, 0.06],
  [0.3, 0],
  [0.7, 0.3],
  [0.78, 0.72],
  [0.6, 1.2],
  [0.38, 1.6],
  [0.3, 1.92],
  [0.12, 2.06],
  [0, 2.02],
];

export const lemons: Profile = [
  [0, -1],
  [0.14, -0.94],
  [0.3, -0.78],
  [0.58, -0.4],
  [0.64, 0],
  [0.56, 0.42],
  [0.28, 0.76],
  [0.12, 0.92],
  [0, 0.95],
];

export const stem: Profile = [
  [0, 0],
  [0.04, 0.02],
  [0.03, 0.25],
  [0.05, 0.5],
  [0, 0.51],
];
