import { clamp, fraction, smoothstep } from '../../styles/draw/kit/math.ts';
import { fractal, hash, noise } from '../../styles/draw/kit/noise.ts';
import { mix, scale, type Vector } from './vector.ts';

/** One house front: metres, x from its own left edge, y from the street. */
interface House {
  readonly width: number;
  readonly eaves: number;
  readonly gable: 'steps' | 'bell' | 'triangle' | 'cornice';
  readonly wall: Vector;
  readonly shutters: Vector;
  readonly axes: number;
}

const houses: readonly House[] = [
  {
    width: 5.6,
    eaves: 10.2,
    gable: 'steps',
    wall: [0.36, 0.12, 0.075],
    shutters: [0.03, 0.12, 0.08],
    axes: 3,
  },
  {
    width: 6.4,
    eaves: 11.4,
    gable: 'cornice',
    wall: [0.62, 0.52, 0.34],
    shutters: [0.08, 0.16, 0.24],
    axes: 3,
  },
  {
    width: 5,
    eaves: 9.2,
    gable: 'bell',
    wall: [0.18, 0.075, 0.06],
    shutters: [0.5, 0.48, 0.42],
    axes: 2,
  },
  {
    width: 6,
    eaves: 10.6,
    gable: 'triangle',
    wall: [0.2, 0.3, 0.36],
    shutters: [0.55, 0.53, 0.48],
    axes: 3,
  },
  {
    width: 5.4,
    eaves: 9.6,
    gable: 'bell',
    wall: [0.58, 0.26, 0.14],
    shutters: [0.05, 0.14, 0.1],
    axes: 3,
  },
  {
    width: 6.6,
    eaves: 11.8,
    gable: 'steps',
    wall: [0.28, 0.13, 0.09],
    shutters: [0.42, 0.06, 0.05],
    axes: 3,
  },
  {
    width: 5.2,
    eaves: 9.9,
    gable: 'cornice',
    wall: [0.66, 0.6, 0.5],
    shutters: [0.1, 0.22, 0.16],
    axes: 2,
  },
];
const ROW = houses.reduce((sum, { width }) => sum + width, 0);

function at(x: number): { house: House; u: number; number: number } {
  let u = fraction(x / ROW) * ROW;
  let number = Math.floor(x / ROW) * houses.length;
  for (const house of houses) {
    if (u < house.width) return { house, u, number };
    u -= house.width;
    number += 1;
  }
  throw new RangeError(`No house at ${x}`);
}

/** The height of a front's outline. */
function outline({ width, eaves, gable }: House, u: number): number {
  const side = Math.abs(u - width / 2) / (width / 2);
  if (gable === 'cornice') return eaves + 0.5;
  if (gable === 'triangle') return eaves + 3.1 * (1 - side);
  if (gable === 'steps') return eaves + 0.75 * Math.max(0, Math.floor(5.4 * (1 - side)));
  return side < 0.62
    ? eaves + 2.9 - 5 * side ** 3.2
    : eaves + 0.35 + 1.2 * smoothstep(1, 0.62, side);
}

const FLOOR = 2.75;

/** What the wall is at a place, and how far it lies behind the front (windows do). */
function masonry(
  house: House,
  u: number,
  y: number,
  number: number,
): { color: Vector; depth: number; glass: boolean } {
  const pitch = house.width / house.axes;
  const axis = Math.floor(u / pitch);
  const floor = Math.floor(y / FLOOR);
  const du = u - (axis + 0.5) * pitch;
  const door = floor === 0 && axis === number % house.axes;
  const sill = door ? 0 : 0.75;
  const dv = y - floor * FLOOR - sill;
  const [half, tall] = [door ? 0.55 : 0.5, door ? 2.25 : 1.55];
  const inGable = y > house.eaves - 0.9;
  const opening = !inGable || (Math.abs(u - house.width / 2) < 0.5 && y < house.eaves + 1);
  const [hu, hv] = inGable ? [u - house.width / 2, y - house.eaves + 0.4] : [du, dv];
  const [w, h] = inGable ? [0.45, 1.2] : [half, tall];
  if (opening && Math.abs(hu) < w && hv > 0 && hv < h) {
    const rim = Math.min(w - Math.abs(hu), hv, h - hv);
    const bars =
      door && !inGable ? hv < 1.8 : Math.abs(hu) < 0.03 || Math.abs(hv - h * 0.55) < 0.03;
    if (rim < 0.08 || bars)
      return {
        color: door && !inGable ? house.shutters : [0.72, 0.7, 0.64],
        depth: 0.14,
        glass: false,
      };
    const curtain =
      hash(number * 9 + axis, floor, 5) < 0.45 && hv > h * 0.5 + 0.2 * noise(hu * 9, number, 6);
    return curtain
      ? { color: [0.4, 0.38, 0.34], depth: 0.2, glass: false }
      : { color: [0.02, 0.024, 0.03], depth: 0.2, glass: true };
  }
  if (!door && !inGable && Math.abs(du) < half + 0.42 && dv > -0.02 && dv < tall + 0.02) {
    const slat = 0.75 + 0.25 * Math.sin(y * 70);
    return { color: scale(house.shutters, slat), depth: -0.05, glass: false };
  }
  if (!inGable && Math.abs(du) < half + 0.12 && dv > -0.16 && dv < tall + 0.24)
    return { color: [0.55, 0.5, 0.42], depth: -0.04, glass: false };
  if (Math.abs(y - outline(house, u)) < 0.28 || Math.abs(y - house.eaves) < 0.12)
    return { color: [0.6, 0.56, 0.48], depth: -0.12, glass: false };
  if (y < 0.7)
    return {
      color: scale([0.3, 0.29, 0.27], 0.8 + 0.3 * fractal(u * 4, y * 4, 7)),
      depth: -0.06,
      glass: false,
    };
  return { color: brick(house, u, y, number), depth: 0, glass: false };
}

function brick(house: House, u: number, y: number, number: number): Vector {
  const course = Math.floor(y / 0.075);
  const along = u / 0.23 + (course % 2) / 2;
  const joint = Math.min(fraction(along) * 0.23, fraction(y / 0.075) * 0.075) < 0.011 ? 1 : 0;
  const own = 0.6 + 0.7 * hash(Math.floor(along) + number * 91, course, 8);
  const grime = 0.78 + 0.7 * fractal(u / 2 + number * 7, y / 4, 9, 5) - 0.3 * smoothstep(3, 0, y);
  return scale(
    mix(scale(house.wall, own), [0.42, 0.39, 0.35], 0.5 * joint),
    clamp(grime, 0.3, 1.2),
  );
}

export interface Front {
  readonly color: Vector;
  readonly glass: boolean;
  /** Share of the sun that the front's own relief lets through. */
  readonly lit: number;
}

/** The row of houses where a ray meets its plane; undefined above the roofs. */
export function frontAt(x: number, y: number, sun: Vector): Front | undefined {
  const { house, u, number } = at(x);
  if (y > outline(house, u)) return undefined;
  const here = masonry(house, u, y, number);
  // Would the sun's way from here run into masonry that stands further out?
  let lit = 1;
  for (const out of [0.06, 0.12, 0.18]) {
    const [su, sy] = [u - (sun[0] / sun[2]) * out, y - (sun[1] / sun[2]) * out];
    if (masonry(house, clamp(su, 0, house.width - 0.01), sy, number).depth < here.depth - out)
      lit -= 0.34;
  }
  return { color: here.color, glass: here.glass, lit: Math.max(lit, 0) };
}
