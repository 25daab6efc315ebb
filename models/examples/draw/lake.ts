import { clamp, smoothstep } from '../../styles/draw/kit/math.ts';
import { fractal, hash, noise } from '../../styles/draw/kit/noise.ts';
import type { Camera, Scene } from './camera.ts';
import { jettyAlong } from './jetty.ts';
import { rippled } from './ripples.ts';
import { sky, SKYLIGHT, SUN, SUNLIGHT } from './sky.ts';
import { ground, HIGHEST, tree } from './terrain.ts';
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

/** Golden hour on a mountain lake, seen from a jetty. */
export const lakeCamera: Camera = {
  from: [0.3, 2.3, -3],
  to: [0.5, 3.6, 17],
  focalLength: 1.05,
  aperture: 0.012,
  exposure: 1.0,
  raysPerPixel: 6,
};

const FAR = 9000;

function haze(light: Vector, direction: Vector, distance: number, height: number): Vector {
  const veil =
    1 - Math.exp(-distance * 0.000045 - (distance * 0.0001) / (1 + Math.max(height, 0) / 120));
  const toSun = Math.max(dot(direction, SUN), 0);
  return mix(light, mix([0.4, 0.52, 0.78], [1.5, 0.95, 0.6], 0.12 + 0.8 * toSun ** 3), veil);
}

/** Where a ray meets land (its trees included), or undefined. */
function meetLand(origin: Vector, direction: Vector): number | undefined {
  let previous = 4;
  let gap: number;
  for (let gone = 4; gone < FAR; gone += clamp(gap * 0.4, 0.5 + gone * 0.0008, 80)) {
    const [x, y, z] = along(origin, direction, gone);
    if (y > HIGHEST && direction[1] > 0) return undefined;
    const floor = ground(x, z);
    gap = y - floor;
    if (gap < 24 && gone < 4500) gap -= tree(x, z, floor).rise;
    if (gap < 0) return (previous + gone) / 2;
    previous = gone;
  }
  return undefined;
}

function sunReaches([x, y, z]: Vector): number {
  let light = 1;
  for (let gone = 12; gone < 2600; gone *= 1.13) {
    const gap = y + SUN[1] * gone - ground(x + SUN[0] * gone, z + SUN[2] * gone);
    light = Math.min(light, 0.5 + (9 * gap) / gone);
    if (light <= 0) return 0;
  }
  return clamp(light);
}

function land(at: Vector, distance: number): Vector {
  const [x, , z] = at;
  const height = ground(x, z);
  const e = Math.max(1.5, distance * 0.002);
  const rough = (px: number, pz: number): number =>
    ground(px, pz) + 9 * fractal(px / 38, pz / 38, 90, 4) * smoothstep(200, 700, height);
  const normal = normalize([
    rough(x - e, z) - rough(x + e, z),
    2 * e,
    rough(x, z - e) - rough(x, z + e),
  ]);
  const crown = distance < 4500 ? tree(x, z, height) : { rise: 0, tip: 0, which: 0 };
  const sun = sunReaches(add(at, [0, 3, 0]));

  if (crown.rise > 0.4) {
    const larch = smoothstep(0.62, 0.8, crown.which + 0.35 * noise(x / 160, z / 160, 91));
    const needles = mix([0.026, 0.05, 0.026], [0.34, 0.16, 0.03], larch);
    const side = clamp(0.5 + 0.35 * dot(normal, SUN) + 0.5 * crown.tip);
    const lit = add(scale(SUNLIGHT, sun * side * 0.75), scale(SKYLIGHT, 0.25 + 0.6 * crown.tip));
    return scale(
      multiply(needles, lit),
      0.65 + 0.7 * hash(Math.floor(x * 2), Math.floor(z * 2), 92),
    );
  }
  const strata = 0.5 + 0.5 * noise(height / 16 + 2 * noise(x / 190, z / 190, 93), x / 400, 94);
  const rock = mix(
    [0.13, 0.11, 0.1],
    [0.3, 0.25, 0.21],
    0.5 * strata + 0.5 * clamp(0.5 + fractal(x / 24, z / 24, 95)),
  );
  const meadow = mix(
    [0.06, 0.09, 0.025],
    [0.2, 0.15, 0.05],
    clamp(0.5 + fractal(x / 30, z / 30, 96)),
  );
  const steep = smoothstep(0.86, 0.7, normal[1] + 0.1 * noise(x / 30, z / 30, 97));
  const snowLine = smoothstep(480, 800, height + 190 * fractal(x / 140, z / 140, 98));
  const soil = mix(meadow, rock, Math.max(steep, smoothstep(420, 700, height)));
  const pebbles = mix(soil, [0.26, 0.23, 0.2], smoothstep(2.2, 0.4, height));
  const cover = mix(pebbles, [0.82, 0.85, 0.92], snowLine * smoothstep(0.5, 0.68, normal[1]));
  const light = add(
    scale(SUNLIGHT, sun * Math.max(dot(normal, SUN), 0)),
    scale(SKYLIGHT, 0.35 + 0.4 * normal[1]),
  );
  return multiply(cover, light);
}

function distant(origin: Vector, direction: Vector): Vector {
  const distance = meetLand(origin, direction);
  if (distance === undefined)
    return haze(sky(direction), direction, direction[1] < 0.02 ? 6000 : 600, 900);
  const at = along(origin, direction, distance);
  return haze(land(at, distance), direction, distance, at[1]);
}

function water(at: Vector, direction: Vector, distance: number): Vector {
  const [x, , z] = at;
  const normal = rippled(x, z, 1 / (1 + distance / 260));
  const mirrored = reflect(direction, normal);
  const bounce: Vector = [mirrored[0], Math.max(mirrored[1], 0.002), mirrored[2]];
  const seen = jettyAlong(at, bounce)?.light ?? distant(at, bounce);
  const deep = mix([0.02, 0.07, 0.075], [0.1, 0.13, 0.1], Math.exp(-distance / 7));
  return mix(deep, scale(seen, 0.94), fresnel(-dot(direction, normal)));
}

export const lake: Scene = (origin, direction) => {
  const wood = jettyAlong(origin, direction);
  const surface = direction[1] < 0 ? -origin[1] / direction[1] : Infinity;
  if (wood && wood.distance < surface) return wood.light;
  const shore = surface > 300 ? meetLand(origin, direction) : undefined;
  if (surface < Math.min(shore ?? Infinity, FAR)) {
    const at = along(origin, direction, surface);
    return haze(water(at, direction, surface), direction, surface, 0);
  }
  return distant(origin, direction);
};
