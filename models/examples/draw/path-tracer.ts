import { fraction, lerp } from '../../styles/draw/kit/math.ts';
import type { Random } from '../../styles/draw/kit/random.ts';
import type { Scene } from './camera.ts';
import type { Solid } from './solids.ts';
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
  subtract,
  type Vector,
} from './vector.ts';

/** What a surface is made of at one place. */
export interface Surface {
  readonly albedo: Vector;
  /** Share of light mirrored straight on by the coat: 0 matt, 0.04 varnish, 0.06 glass. */
  readonly coat: number;
  /** How blurred the coat's reflections are. */
  readonly roughness: number;
  /** Small tilts of the normal: pores, grain, folds. */
  readonly bump?: Vector;
}

export interface Thing {
  readonly solid: Solid;
  readonly surface: (at: Vector, normal: Vector) => Surface;
}

/** A window in the wall x = `x`, seen from the right; its glazing bars cast shadows. */
export interface Window {
  readonly x: number;
  readonly low: readonly [y: number, z: number];
  readonly high: readonly [y: number, z: number];
  readonly light: (y: number, z: number) => Vector;
}

const BOUNCES = 2;

/** Light by chance: each path asks the window directly at every matt surface it visits. */
export function pathTracer(things: readonly Thing[], window: Window, room: Vector): Scene {
  const area = (window.high[0] - window.low[0]) * (window.high[1] - window.low[1]);

  function nearest(origin: Vector, direction: Vector) {
    let found: { distance: number; normal: Vector; thing: Thing } | undefined;
    for (const thing of things) {
      const meeting = thing.solid(origin, direction, found?.distance ?? Infinity);
      if (meeting) found = { ...meeting, thing };
    }
    return found;
  }

  function windowAlong(
    origin: Vector,
    direction: Vector,
  ): { distance: number; light: Vector } | undefined {
    const distance = (window.x - origin[0]) / direction[0];
    if (!(distance > 0)) return undefined;
    const [, y, z] = along(origin, direction, distance);
    const inside =
      y > window.low[0] && y < window.high[0] && z > window.low[1] && z < window.high[1];
    return inside ? { distance, light: window.light(y, z) } : undefined;
  }

  let asked = 0;

  function daylight(at: Vector, normal: Vector): Vector {
    // Places on the window follow the R2 sequence, which fills it evenly: far less noise than dice.
    asked += 1;
    const y = lerp(window.low[0], window.high[0], fraction(asked * 0.7548776662466927));
    const z = lerp(window.low[1], window.high[1], fraction(asked * 0.5698402909980532));
    const way = subtract([window.x, y, z], at);
    const far = Math.hypot(...way);
    const direction = scale(way, 1 / far);
    const facing = dot(direction, normal);
    if (facing <= 0 || things.some((thing) => thing.solid(at, direction, far))) return [0, 0, 0];
    return scale(
      window.light(y, z),
      (facing * Math.abs(direction[0]) * area) / (Math.PI * far * far),
    );
  }

  function mirrored(direction: Vector, normal: Vector, roughness: number, random: Random): Vector {
    return normalize(add(reflect(direction, normal), scale(anywhere(random), roughness)));
  }

  /** Light that a matt surface sends on: daylight, and what comes off other surfaces. */
  function matt(
    at: Vector,
    normal: Vector,
    albedo: Vector,
    bounces: number,
    random: Random,
  ): Vector {
    const lit = daylight(at, normal);
    if (bounces === 0) return multiply(albedo, add(lit, scale(room, 0.5)));
    const direction = normalize(add(normal, scale(anywhere(random), 0.999)));
    return multiply(albedo, add(lit, trace(at, direction, bounces - 1, false, random)));
  }

  /**
   * `clear`: on the way from the camera, where both the coat's mirror and the matt ground are
   * followed. Behind a matt surface mirrors would only make caustics, a few glaring specks, and
   * the window has been asked already.
   */
  function trace(
    from: Vector,
    direction: Vector,
    bounces: number,
    clear: boolean,
    random: Random,
  ): Vector {
    const hit = nearest(from, direction);
    const seen = windowAlong(from, direction);
    if (seen && seen.distance < (hit?.distance ?? Infinity)) return clear ? seen.light : [0, 0, 0];
    if (!hit) return room;
    const at = along(from, direction, hit.distance);
    const { albedo, coat, roughness, bump } = hit.thing.surface(at, hit.normal);
    const normal = bump ? normalize(add(hit.normal, bump)) : hit.normal;
    const leave = along(at, hit.normal, 1e-3);
    const ground = matt(leave, normal, albedo, bounces, random);
    if (!clear || coat === 0 || bounces === 0) return ground;
    const share = fresnel(-dot(direction, normal), coat);
    const away = mirrored(direction, normal, roughness, random);
    const shine = dot(away, hit.normal) > 0 ? trace(leave, away, bounces - 1, true, random) : room;
    return mix(ground, shine, share);
  }

  return (origin, direction, random) => trace(origin, direction, BOUNCES, true, random);
}

/** A random point on the unit sphere. */
function anywhere(random: Random): Vector {
  const y = random.between(-1, 1);
  const turn = 2 * Math.PI * random.next();
  const ring = Math.sqrt(1 - y * y);
  return [ring * Math.cos(turn), y, ring * Math.sin(turn)];
}
