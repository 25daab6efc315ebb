import { clamp, fraction, smoothstep } from '../../styles/draw/kit/math.ts';
import { fractal, hash, noise } from '../../styles/draw/kit/noise.ts';
import type { Camera, Scene } from './camera.ts';
import { frontAt } from './houses.ts';
import { rippled } from './ripples.ts';
import { sky } from './sky.ts';
import {
  add,
  along,
  dot,
  fresnel,
  mix,
  multiply,
  normalize,
  reflect,
  scale,
  type Vector,
} from './vector.ts';

/** House fronts, elms and boats on a canal, on a clear late afternoon. */
export const canalCamera: Camera = {
  from: [2.5, 2.7, -6],
  to: [4.5, 4.9, 27],
  focalLength: 1.3,
  aperture: 0.01,
  exposure: 0.56,
  raysPerPixel: 10,
};

const SUN: Vector = normalize([-0.8, 0.5, -0.44]);
const SUNLIGHT: Vector = [4.6, 3.6, 2.5];
const SKYLIGHT: Vector = [0.5, 0.64, 0.95];
const STREET = 1.3;

/** The scene is a stage: upright wings one behind the other, each full of holes. */
interface Wing {
  readonly z: number;
  readonly paint: (x: number, y: number, direction: Vector) => Vector | undefined;
}

const lightOn = (color: Vector, facing: number, sun: number): Vector =>
  multiply(color, add(scale(SUNLIGHT, Math.max(facing, 0) * sun), scale(SKYLIGHT, 0.42)));

const FRONTS = 30;
const ELMS = 25.5;
const QUAY = 22;
const BOATS = 20.4;

const elms = [
  { x: -6.2, crown: 7.4, reach: 3.3 },
  { x: 3.6, crown: 7.9, reach: 2.9 },
  { x: 14.6, crown: 7, reach: 3.5 },
];

/** Leaves of the elms: how deep in the crown a place lies, or nothing between the leaves. */
function leaves(x: number, y: number): number | undefined {
  for (const { x: cx, crown, reach } of elms) {
    const far = Math.hypot((x - cx) / reach, (y - crown) / (reach * 0.86));
    if (far > 1.3) continue;
    const boughs = fractal(x / 1.3, y / 1.3, 120 + cx, 3);
    const foliage = fractal(x / 0.2, y / 0.2, 121, 3);
    const depth = 1.02 - far + 0.55 * boughs + 0.36 * foliage;
    if (depth > 0.16) return depth;
  }
  return undefined;
}

function elm(x: number, y: number): Vector | undefined {
  const depth = leaves(x, y);
  if (depth !== undefined) {
    // A leaf sees the sun where the crown towards it is thin.
    const sunny = smoothstep(0.75, 0.1, leaves(x - 0.5, y + 0.45) ?? 0);
    const tint = clamp(0.5 + fractal(x / 0.5, y / 0.5, 122));
    const leaf = mix([0.035, 0.085, 0.018], [0.22, 0.24, 0.035], tint);
    const turned = 0.35 + 0.65 * hash(Math.floor(x / 0.07), Math.floor(y / 0.07), 123);
    return scale(lightOn(leaf, 0.85 * turned, sunny), 0.75 + 0.25 * sunny);
  }
  for (const { x: cx, crown } of elms) {
    const across = x - cx - 0.18 * noise(y / 1.6, cx, 124);
    const wide = 0.16 + 0.07 * smoothstep(STREET + 1.4, STREET, y);
    if (y < crown && Math.abs(across) < wide) {
      const bark = scale([0.12, 0.1, 0.075], 0.7 + 0.6 * fractal(x / 0.05, y / 0.3, 125));
      return lightOn(bark, 0.6 - (0.8 * across) / wide, 0.7);
    }
  }
  return undefined;
}

function fronts(x: number, y: number, direction: Vector): Vector | undefined {
  const front = frontAt(x, y - STREET, SUN);
  if (!front) return undefined;
  const towards = (FRONTS - ELMS) / -SUN[2];
  const shaded = leaves(x + SUN[0] * towards, y + SUN[1] * towards) === undefined ? 1 : 0.12;
  const wall = lightOn(front.color, -SUN[2], front.lit * shaded);
  if (!front.glass) return wall;
  const pane = 0.05 * noise(x * 1.4, y * 1.1, 126);
  const mirrored = sky(
    normalize([direction[0] + pane, Math.abs(direction[1]) + 0.35 + pane, -direction[2]]),
  );
  return add(wall, scale(mirrored, 0.28));
}

function quay(x: number, y: number): Vector | undefined {
  if (y > STREET) {
    // Mooring posts and the railing's chains along the edge.
    const post = Math.abs(fraction(x / 3.2) - 0.5) * 3.2 < 0.07 && y < STREET + 0.75;
    const sag = STREET + 0.6 - 0.24 * Math.sin(Math.PI * fraction(x / 3.2 + 0.5));
    return post || Math.abs(y - sag) < 0.022 ? lightOn([0.035, 0.035, 0.04], 0.5, 1) : undefined;
  }
  const course = Math.floor(y / 0.27);
  const stone = x / 0.62 + 0.5 * (course % 2);
  const joint = Math.min(fraction(stone) * 0.62, fraction(y / 0.27) * 0.27) < 0.02;
  const own = 0.7 + 0.5 * hash(Math.floor(stone), course, 127);
  const moss = smoothstep(0.75, 0.1, y + 0.3 * noise(x * 1.2, y * 2, 128));
  const face = mix(scale([0.3, 0.25, 0.2], own), [0.045, 0.065, 0.025], 0.85 * moss);
  const tone = y > STREET - 0.14 ? ([0.42, 0.4, 0.36] as const) : face;
  return lightOn(
    scale(tone, (joint ? 0.45 : 1) * (0.85 + 0.3 * fractal(x * 5, y * 5, 129))),
    -SUN[2],
    1,
  );
}

const boats: readonly { x: number; long: number; hull: Vector; cabin: Vector }[] = [
  { x: -2.8, long: 6.6, hull: [0.04, 0.1, 0.2], cabin: [0.6, 0.56, 0.48] },
  { x: 9.4, long: 7.8, hull: [0.3, 0.035, 0.03], cabin: [0.2, 0.1, 0.05] },
];

function boat(x: number, y: number): Vector | undefined {
  for (const { x: cx, long, hull, cabin } of boats) {
    const u = (x - cx) / (long / 2);
    const deck = 0.78 + 0.34 * Math.min(u * u, 1) ** 2;
    const end = Math.abs(u) - 0.06 * (y - 0.4);
    if (end < 1 - 0.22 * smoothstep(0.6, 0, y) && y < deck) {
      const strake = Math.abs(y - deck + 0.13) < 0.035;
      const water = smoothstep(0.2, 0.12, y);
      const paint = strake
        ? ([0.65, 0.6, 0.5] as const)
        : scale(hull, 0.85 + 0.3 * fractal(x * 2, y * 9, 130));
      return lightOn(mix(paint, [0.03, 0.04, 0.03], water), 0.35 + 0.35 * y - 0.25 * u, 1);
    }
    const inCabin = Math.abs(u + 0.12) < 0.52 - 0.04 * (y - deck) && y < 1.5;
    if (inCabin) {
      const port = Math.abs(fraction(u * 6) - 0.5) < 0.3 && Math.abs(y - 1.17) < 0.15;
      if (port) return [0.16, 0.2, 0.26];
      return lightOn(y > 1.43 ? [0.7, 0.68, 0.62] : cabin, 0.55, 1);
    }
  }
  return undefined;
}

const wings: readonly Wing[] = [
  { z: BOATS, paint: boat },
  { z: QUAY, paint: quay },
  { z: ELMS, paint: elm },
  { z: FRONTS, paint: fronts },
];

function acrossTheWater(origin: Vector, direction: Vector): Vector {
  for (const { z, paint } of wings) {
    const [x, y] = along(origin, direction, (z - origin[2]) / direction[2]);
    const seen = paint(x, y, direction);
    if (seen) return mix(seen, [0.6, 0.7, 0.85], 0.05);
  }
  return sky(normalize([direction[0], direction[1] + 0.06, direction[2]]));
}

export const canal: Scene = (origin, direction) => {
  const surface = -origin[1] / direction[1];
  const beforeBoats = (BOATS - origin[2]) / direction[2];
  if (!(surface > 0 && surface < beforeBoats)) return acrossTheWater(origin, direction);
  const at = along(origin, direction, surface);
  const normal = rippled(at[0], at[2], 1.25);
  const bounce = reflect(direction, normal);
  const mirrored: Vector = [bounce[0], Math.max(bounce[1], 0.01), bounce[2]];
  const deep: Vector = [0.035, 0.05, 0.035];
  return mix(
    deep,
    acrossTheWater(at, mirrored),
    clamp(0.12 + fresnel(-dot(direction, normal)) * 1.1),
  );
};
