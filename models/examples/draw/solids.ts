import { along, dot, length, normalize, scale, subtract, type Vector } from './vector.ts';

export interface Meeting {
  readonly distance: number;
  /** Outward, or towards the ray on a thin shell. */
  readonly normal: Vector;
}

/** A shape that can say where a ray meets it first, nearer than a limit. */
export type Solid = (origin: Vector, direction: Vector, limit: number) => Meeting | undefined;

/** Rays start a hair off the surface that they leave. */
const SKIN = 1e-3;

export const plane =
  (normal: Vector, offset: number): Solid =>
  (origin, direction, limit) => {
    const distance = (offset - dot(origin, normal)) / dot(direction, normal);
    return distance > SKIN && distance < limit ? { distance, normal } : undefined;
  };

export const sphere =
  (center: Vector, radius: number): Solid =>
  (origin, direction, limit) => {
    const distance = meetSphere(subtract(origin, center), direction, radius);
    if (!(distance > SKIN && distance < limit)) return undefined;
    const at = along(origin, direction, distance);
    return { distance, normal: scale(subtract(at, center), 1 / radius) };
  };

function meetSphere(from: Vector, direction: Vector, radius: number): number {
  const half = dot(from, direction);
  const root = half * half - dot(from, from) + radius * radius;
  return root < 0 ? NaN : -half - Math.sqrt(root);
}

/** Several solids inside a sphere: rays that miss the sphere ask none of them. */
export const group =
  (center: Vector, radius: number, solids: readonly Solid[]): Solid =>
  (origin, direction, limit) => {
    const from = subtract(origin, center);
    if (length(from) > radius && !(meetSphere(from, direction, radius) > 0)) return undefined;
    let nearest: Meeting | undefined;
    for (const solid of solids)
      nearest = solid(origin, direction, nearest?.distance ?? limit) ?? nearest;
    return nearest;
  };

/** A profile as a potter sees it: radius and height, from the foot up. */
export type Profile = readonly (readonly [radius: number, height: number])[];

/** Turned on a lathe: the profile, smoothed, goes around an upright axis that may lean (radians). */
export function lathe(foot: Vector, profile: Profile, lean = 0, facing = 0): Solid {
  const rings = smoothed(profile);
  const tops = rings.map(([, height]) => height);
  const [low, high] = [Math.min(...tops), Math.max(...tops)];
  const wide = Math.max(...rings.map(([radius]) => radius));
  const up: Vector = [
    Math.sin(lean) * Math.cos(facing),
    Math.cos(lean),
    Math.sin(lean) * Math.sin(facing),
  ];
  const east = normalize([up[1], -up[0], 0]);
  const north: Vector = [
    east[1] * up[2] - east[2] * up[1],
    east[2] * up[0] - east[0] * up[2],
    east[0] * up[1] - east[1] * up[0],
  ];
  const local = (v: Vector): Vector => [dot(v, east), dot(v, up), dot(v, north)];
  const middle: Vector = [0, (low + high) / 2, 0];
  const around = Math.hypot(wide, (high - low) / 2) + SKIN;

  return (origin, direction, limit) => {
    const from = local(subtract(origin, foot));
    const to = local(direction);
    const centred = subtract(from, middle);
    if (length(centred) > around && !(meetSphere(centred, to, around) > 0)) return undefined;
    const found = meetRings(rings, from, to, limit);
    if (!found) return undefined;
    const [x, y, z] = found.normal;
    const normal: Vector = [
      east[0] * x + up[0] * y + north[0] * z,
      east[1] * x + up[1] * y + north[1] * z,
      east[2] * x + up[2] * y + north[2] * z,
    ];
    return {
      distance: found.distance,
      normal: dot(normal, direction) > 0 ? scale(normal, -1) : normal,
    };
  };
}

type Ring = readonly [radius: number, height: number, outward: number, upward: number];

/** Catmull-Rom through the profile's points, with normals that the light can follow. */
function smoothed(profile: Profile): Ring[] {
  const points: [number, number][] = [];
  const point = (i: number): readonly [number, number] =>
    profile[Math.min(Math.max(i, 0), profile.length - 1)] ?? [0, 0];
  const STEPS = 5;
  for (let i = 0; i < profile.length - 1; i++) {
    for (let step = 0; step < (i === profile.length - 2 ? STEPS + 1 : STEPS); step++) {
      const t = step / STEPS;
      const weights = [
        (-t + 2 * t * t - t ** 3) / 2,
        (2 - 5 * t * t + 3 * t ** 3) / 2,
        (t + 4 * t * t - 3 * t ** 3) / 2,
        (t ** 3 - t * t) / 2,
      ];
      const along = (axis: 0 | 1): number =>
        weights.reduce((sum, weight, k) => sum + weight * point(i + k - 1)[axis], 0);
      // A tiny step keeps flat floors from being edge-on to the cone formula.
      points.push([Math.max(along(0), 0), along(1) + points.length * 1e-6]);
    }
  }
  return points.map(([radius, height], i) => {
    const [r0, h0] = points[Math.max(i - 1, 0)] ?? [0, 0];
    const [r1, h1] = points[Math.min(i + 1, points.length - 1)] ?? [0, 0];
    const run = Math.hypot(h1 - h0, r1 - r0);
    return [radius, height, (h1 - h0) / run, (r0 - r1) / run];
  });
}

/** Each pair of rings bounds a piece of a cone. */
function meetRings(
  rings: readonly Ring[],
  from: Vector,
  to: Vector,
  limit: number,
): Meeting | undefined {
  let nearest: Meeting | undefined;
  let best = limit;
  for (let i = 1; i < rings.length; i++) {
    const a = rings[i - 1];
    const b = rings[i];
    if (!a || !b) continue;
    const slope = (b[0] - a[0]) / (b[1] - a[1]);
    const radius = a[0] + slope * (from[1] - a[1]);
    const square = to[0] * to[0] + to[2] * to[2] - slope * slope * to[1] * to[1];
    const half = from[0] * to[0] + from[2] * to[2] - slope * to[1] * radius;
    const root = half * half - square * (from[0] * from[0] + from[2] * from[2] - radius * radius);
    if (root < 0) continue;
    for (const side of [-1, 1]) {
      const distance = (-half + side * Math.sqrt(root)) / square;
      if (!(distance > SKIN && distance < best)) continue;
      const height = from[1] + distance * to[1];
      const t = (height - a[1]) / (b[1] - a[1]);
      if (t < 0 || t > 1 || radius + slope * to[1] * distance < 0) continue;
      const [x, z] = [from[0] + distance * to[0], from[2] + distance * to[2]];
      const outward = (a[2] + (b[2] - a[2]) * t) / Math.max(Math.hypot(x, z), 1e-9);
      best = distance;
      nearest = {
        distance,
        normal: normalize([x * outward, a[3] + (b[3] - a[3]) * t, z * outward]),
      };
    }
  }
  return nearest;
}
