import { clamp, fraction, smoothstep } from '../../styles/draw/kit/math.ts';
import { fractal, hash, noise } from '../../styles/draw/kit/noise.ts';
import { Random } from '../../styles/draw/kit/random.ts';
import type { Camera } from './camera.ts';
import { pathTracer, type Surface, type Thing } from './path-tracer.ts';
import { group, lathe, plane, type Profile, sphere } from './solids.ts';
import { mix, scale, type Vector } from './vector.ts';

/** Fruit, a bottle and a jug by a window; one unit is a decimetre. */
export const stillLifeCamera: Camera = {
  from: [1.2, 4.4, -12.5],
  to: [0.15, 1.75, -0.2],
  focalLength: 1.72,
  aperture: 0.13,
  exposure: 2,
  raysPerPixel: 20,
};

type Texture = (at: Vector, normal: Vector) => Surface;

/** A bump from noise: the gradient's two halves are taken as unrelated noises, which looks the same. */
const pores = ([x, y, z]: Vector, size: number, depth: number, seed: number): Vector => [
  depth * noise(x / size + z / size, y / size, seed),
  depth * noise(y / size - x / size, z / size, seed + 1),
  depth * noise(z / size - y / size, x / size, seed + 2),
];

const mottle = ([x, y, z]: Vector, size: number, seed: number): number =>
  0.5 + 0.5 * (fractal((x + z) / size, y / size, seed) + noise((x - z) / size, y / size, seed + 9));

const orange =
  (seed: number): Texture =>
  (at) => ({
    albedo: mix([0.82, 0.3, 0.02], [0.9, 0.44, 0.05], mottle(at, 0.9, seed)),
    coat: 0.035,
    roughness: 0.22,
    bump: pores(at, 0.06, 0.16, seed),
  });

const apple =
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

const lemon: Texture = (at) => ({
  albedo: mix([0.85, 0.6, 0.03], [0.9, 0.74, 0.1], mottle(at, 0.7, 31)),
  coat: 0.035,
  roughness: 0.2,
  bump: pores(at, 0.09, 0.13, 31),
});

const pear: Texture = (at) => {
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

const grape: Texture = (at) => ({
  albedo: mix([0.05, 0.012, 0.05], [0.16, 0.12, 0.2], 0.8 * mottle(at, 0.35, 51)),
  coat: 0.04,
  roughness: 0.12,
});

const bottleGlass: Texture = (at) => {
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

const delft: Texture = (at) => {
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

const stoneware: Texture = (at) => {
  const speck = smoothstep(0.5, 0.6, noise(at[0] * 13 + at[2] * 13, at[1] * 13 - at[2] * 5, 71));
  const glaze = mix([0.1, 0.26, 0.28], [0.24, 0.42, 0.4], mottle(at, 0.8, 72));
  return {
    albedo: mix(glaze, [0.06, 0.05, 0.04], 0.7 * speck),
    coat: 0.04,
    roughness: 0.08,
    bump: pores(at, 0.5, 0.03, 73),
  };
};

const tableAndCloth: Texture = ([x, , z]) => {
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

const plaster: Texture = (at) => {
  const tone = 0.5 + 0.5 * fractal(at[0] / 5, at[1] / 5, 91, 5);
  const worn = smoothstep(0.25, 0.5, fractal(at[0] / 3, at[1] / 3, 92, 5));
  return {
    albedo: mix(mix([0.2, 0.25, 0.26], [0.34, 0.37, 0.34], tone), [0.42, 0.38, 0.3], 0.5 * worn),
    coat: 0,
    roughness: 0,
    bump: pores(at, 0.3, 0.08, 93),
  };
};

const bottle: Profile = [
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
const jug: Profile = [
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
const bowl: Profile = [
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
const apples: Profile = [
  [0, 0.1],
  [0.25, 0],
  [0.6, 0.2],
  [0.76, 0.65],
  [0.66, 1.08],
  [0.34, 1.24],
  [0.12, 1.12],
  [0, 1],
];
const stem: Profile = [
  [0, 0],
  [0.04, 0.02],
  [0.03, 0.25],
  [0.05, 0.5],
  [0, 0.51],
];
const pears: Profile = [
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
const lemons: Profile = [
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

const twig: Texture = () => ({ albedo: [0.11, 0.07, 0.04], coat: 0, roughness: 0 });

function grapes(): Thing {
  const random = new Random(7);
  const center: Vector = [1.75, 0.5, -1.6];
  const berries = Array.from({ length: 46 }, (_, i) => {
    const t = i / 46;
    const wide = 0.95 * (1 - t * 0.75);
    const turn = 2 * Math.PI * random.next();
    const reach = wide * Math.sqrt(random.next());
    const y = 0.24 + (1 - (reach / 0.95) ** 2) * 0.75 * (1 - t) * random.next();
    return sphere(
      [0.95 + 1.75 * t + 0.2 * reach * Math.cos(turn), y, -1.75 + reach * Math.sin(turn)],
      random.between(0.22, 0.27),
    );
  });
  return { solid: group(center, 1.75, berries), surface: grape };
}

const things: readonly Thing[] = [
  { solid: plane([0, 1, 0], 0), surface: tableAndCloth },
  { solid: plane([0, 0, -1], -4.2), surface: plaster },
  { solid: lathe([-2.1, 0, 1.5], bottle), surface: bottleGlass },
  { solid: lathe([2.75, 0, 1.4], jug), surface: delft },
  { solid: lathe([0.3, 0, 0.5], bowl), surface: stoneware },
  { solid: sphere([-0.55, 1.02, 0.2], 0.7), surface: orange(1) },
  { solid: sphere([0.25, 1, 1.25], 0.72), surface: orange(2) },
  { solid: sphere([0.35, 1.62, 0.42], 0.66), surface: orange(3) },
  { solid: lathe([1.05, 0.5, 0.05], apples, 0.35, -1.2), surface: apple(1.05, 0.05, 4) },
  { solid: lathe([1.18, 1.35, -0.22], stem, 0.5, -1), surface: twig },
  { solid: lathe([-3.05, 0, -0.5], apples, 0.12, 2), surface: apple(-3.05, -0.5, 6) },
  { solid: lathe([-3.07, 1, -0.45], stem, 0.2, 2), surface: twig },
  { solid: lathe([-1.75, 0, -1.5], pears, 0.05, 0.4), surface: pear },
  { solid: lathe([-1.68, 1.98, -1.46], stem, 0.4, 0.3), surface: twig },
  { solid: lathe([3.55, 0.62, -0.75], lemons, Math.PI / 2, 0.5), surface: lemon },
  grapes(),
];

/** How near a place is to a glazing bar of a window with two by two panes three units wide. */
const bar = (place: number): number => Math.abs(fraction(place / 3 + 0.5) - 0.5);

export const stillLife = pathTracer(
  things,
  {
    x: -7.5,
    low: [2.2, -5.5],
    high: [8.2, 0.5],
    light: (y, z) =>
      Math.min(bar(y - 2.2), bar(z + 5.5)) < 0.018
        ? [0.2, 0.17, 0.14]
        : mix([7.2, 6.6, 5.6], [5.6, 6.4, 7.4], (y - 2.2) / 6),
  },
  [0.12, 0.1, 0.085],
);
