import { clamp, fraction, smoothstep } from '../../styles/draw/kit/math.ts';
import { fractal, hash, noise } from '../../styles/draw/kit/noise.ts';
import type { Profile } from './solids.ts';
import { mottle, pores, type Texture } from './texture.ts';
import { mix, scale, type Vector } from './vector.ts';

export const bottleGlass: Texture = (at) => {
  const [x, y, z] = at;
  const angle = Math.atan2(z - 1.5, x + 2.1);
  const onLabel = y > 1.15 && y < 2.6 && Math.abs(angle + 1.35) < 0.95;
  if (!onLabel) {
    const foil = y > 4.35;
    return {
      albedo: foil ? [0.3, 0.03, 0.04] : [0.012, 0.035, 0.016],
      coat: foil ? 0.1 : 0.055,
      roughness: foil ? 0.12 : 0.012,
    };
  }
  const line =
    fraction(y * 5.5) < 0.28 &&
    Math.abs(angle + 1.35) < 0.3 + 0.35 * hash(Math.floor(y * 5.5), 1, 3);
  const border = Math.abs(y - 1.87) > 0.65 || Math.abs(angle + 1.35) > 0.88;
  const print = line && noise(angle * 46, Math.floor(y * 5.5), 52) > -0.2;
  return {
    albedo: border ? [0.45, 0.12, 0.08] : print ? [0.12, 0.09, 0.08] : [0.72, 0.65, 0.5],
    coat: 0,
    roughness: 0,
    bump: pores(at, 0.05, 0.05, 53),
  };
};

export const delft: Texture = (at) => {
  const [x, y, z] = at;
  const angle = Math.atan2(z - 1.4, x - 2.75);
  const band = Math.abs(y - 2.35) < 0.05 || Math.abs(y - 0.42) < 0.04;
  const vine = Math.abs(y - 1.3 - 0.28 * Math.sin(angle * 5)) < 0.05;
  const leaves =
    Math.hypot(
      fraction((angle * 5) / Math.PI) - 0.5,
      (y - 1.3 + 0.2 * Math.sign(Math.sin(angle * 5))) * 1.6,
    ) < 0.26;
  const blue = band || vine || leaves ? 0.85 + 0.15 * noise(angle * 20, y * 9, 61) : 0;
  return {
    albedo: mix([0.78, 0.76, 0.7], [0.05, 0.1, 0.36], blue),
    coat: 0.045,
    roughness: 0.03,
    bump: pores(at, 0.8, 0.02, 62),
  };
};

export const stoneware: Texture = (at) => {
  const speck = smoothstep(0.5, 0.6, noise(at[0] * 13 + at[2] * 13, at[1] * 13 - at[2] * 5, 71));
  const glaze = mix([0.1, 0.26, 0.28], [0.24, 0.42, 0.4], mottle(at, 0.8, 72));
  return {
    albedo: mix(glaze, [0.06, 0.05, 0.04], 0.7 * speck),
    coat: 0.04,
    roughness: 0.08,
    bump: pores(at, 0.5, 0.03, 73),
  };
};

export const tableAndCloth: Texture = ([x, , z]) => {
  // A linen napkin lies askew on the boards; its folds are only shading.
  const [u, v] = [(x + 2.5) * 0.86 + (z + 1.7) * 0.5, (z + 1.7) * 0.86 - (x + 2.5) * 0.5];
  const hem = Math.max(Math.abs(u) - 1.75, Math.abs(v) - 1.25) + 0.05 * noise(x * 1.5, z * 1.5, 81);
  if (hem < 0) {
    const thread = 0.08 * (noise(u * 45, v * 4, 82) + noise(u * 4, v * 45, 83));
    const stripe = Math.abs(Math.abs(v) - 0.95) < 0.07 || Math.abs(Math.abs(v) - 0.75) < 0.03;
    const linen: Vector = stripe ? [0.55, 0.06, 0.07] : [0.7, 0.66, 0.58];
    const fold = 0.22 * noise(u * 1.6, v * 0.7, 84);
    return {
      albedo: scale(linen, 1 + thread),
      coat: 0,
      roughness: 0,
      bump: [fold, 0, 0.5 * fold + thread],
    };
  }
  const board = Math.floor(z / 1.55);
  const wander = z * 9 + 1.6 * noise(x / 3 + 30 * hash(board, 1, 8), z / 2, 85);
  const grain = fractal(x / 2.2 + 17 * board, wander, 86, 4);
  const joint = smoothstep(0.03, 0.012, Math.abs(fraction(z / 1.55) - 0.5) - 0.47);
  const wood = mix(
    [0.16, 0.075, 0.035],
    [0.4, 0.22, 0.11],
    clamp(0.45 + 0.5 * grain + 0.3 * (hash(board, 2, 8) - 0.5)),
  );
  const shadow = smoothstep(0.06, 0, hem);
  return {
    albedo: scale(wood, (0.25 + 0.75 * joint) * (1 - 0.5 * shadow)),
    coat: 0.03,
    roughness: 0.14 + 0.08 * grain,
    bump: [0.015 * grain, 0, 0.05 * grain],
  };
};

export const plaster: Texture = (at) => {
  const tone = 0.5 + 0.5 * fractal(at[0] / 5, at[1] / 5, 91, 5);
  const worn = smoothstep(0.25, 0.5, fractal(at[0] / 3, at[1] / 3, 92, 5));
  return {
    albedo: mix(mix([0.2, 0.25, 0.26], [0.34, 0.37, 0.34], tone), [0.42, 0.38, 0.3], 0.5 * worn),
    coat: 0,
    roughness: 0,
    bump: pores(at, 0.3, 0.08, 93),
  };
};

export const bottle: Profile = [
  [0, 0.02],
  [0.72, 0],
  [0.8, 0.15],
  [0.8, 1.6],
  [0.8, 3.05],
  [0.66, 3.55],
  [0.33, 3.95],
  [0.28, 4.4],
  [0.28, 4.95],
  [0.34, 5],
  [0.34, 5.16],
  [0.24, 5.18],
  [0, 5.1],
];

export const jug: Profile = [
  [0, 0.02],
  [0.72, 0],
  [0.78, 0.1],
  [1.12, 0.8],
  [1.16, 1.5],
  [0.82, 2.25],
  [0.66, 2.6],
  [0.74, 3],
  [0.7, 3.02],
  [0.6, 2.6],
  [0.4, 1.8],
  [0, 1.7],
];

export const bowl: Profile = [
  [0, 0.03],
  [0.8, 0],
  [0.86, 0.12],
  [1.5, 0.5],
  [1.95, 1.1],
  [1.98, 1.16],
  [1.9, 1.12],
  [1.4, 0.56],
  [0.7, 0.24],
  [0, 0.2],
];
