import { clamp, fraction, smoothstep } from '../../styles/draw/kit/math.ts';
import { fractal, hash, noise } from '../../styles/draw/kit/noise.ts';
import { SKYLIGHT, SUN, SUNLIGHT } from './sky.ts';
import { add, along, dot, mix, multiply, normalize, scale, type Vector } from './vector.ts';

interface Box {
  readonly low: Vector;
  readonly high: Vector;
}

const PLANK = 0.19;
const post = (x: number, z: number, top: number): Box => ({
  low: [x - 0.09, -2, z - 0.09],
  high: [x + 0.09, top, z + 0.09],
});

/** A deck of planks on posts that runs out into the lake. */
const deck: Box = { low: [-0.95, 0.42, -6], high: [0.95, 0.5, 11] };
const boxes: readonly Box[] = [
  deck,
  ...[1.5, 4.7, 7.9, 11].flatMap((z) => [
    post(-1, z, 0.95 + 0.2 * hash(z, 1, 1)),
    post(1, z, 0.85 + 0.25 * hash(z, 2, 1)),
  ]),
];

/** Slab test: where a ray enters a box and through which face. */
function enter(
  { low, high }: Box,
  origin: Vector,
  direction: Vector,
): { distance: number; normal: Vector } | undefined {
  let [near, far, axis] = [-Infinity, Infinity, 0];
  for (let i = 0; i < 3; i++) {
    const [o, d] = [origin[i] ?? 0, direction[i] ?? 0];
    const [a, b] = [((low[i] ?? 0) - o) / d, ((high[i] ?? 0) - o) / d];
    if (Math.min(a, b) > near) [near, axis] = [Math.min(a, b), i];
    far = Math.min(far, Math.max(a, b));
  }
  if (near > far || near < 0.001) return undefined;
  const towards = -Math.sign(direction[axis] ?? 0);
  return {
    distance: near,
    normal: [axis === 0 ? towards : 0, axis === 1 ? towards : 0, axis === 2 ? towards : 0],
  };
}

function nearest(
  origin: Vector,
  direction: Vector,
): { distance: number; normal: Vector; box: Box } | undefined {
  let found: { distance: number; normal: Vector; box: Box } | undefined;
  for (const box of boxes) {
    const hit = enter(box, origin, direction);
    if (hit && hit.distance < (found?.distance ?? Infinity)) found = { ...hit, box };
  }
  return found;
}

/** The jetty's wood where a ray meets it, lit by sun and sky. */
export function jettyAlong(
  origin: Vector,
  direction: Vector,
): { distance: number; light: Vector } | undefined {
  const hit = nearest(origin, direction);
  if (!hit) return undefined;
  const at = along(origin, direction, hit.distance);
  const [x, y, z] = at;
  const onDeck = hit.box === deck;
  const plank = Math.floor(z / PLANK);
  const across = fraction(z / PLANK);
  const grain = onDeck
    ? fractal(x * 3 + 40 * hash(plank, 0, 3), z * 60, 110, 4)
    : fractal(x * 50, y * 4 + z, 111, 4);
  const tone = onDeck ? hash(plank, 1, 3) : 0.3;
  const wood = mix([0.1, 0.075, 0.055], [0.34, 0.28, 0.22], clamp(0.35 + 0.4 * tone + 0.5 * grain));
  const wet = y < 0.14 + 0.05 * noise(x * 9, z * 9, 4) ? 0.4 : 1;
  const gap = onDeck ? smoothstep(0.02, 0.09, across) * smoothstep(0.99, 0.93, across) : 1;
  const nail =
    onDeck && Math.abs(Math.abs(x) - 0.72) < 0.012 && Math.abs(across - 0.5) < 0.06 ? 0.25 : 1;
  const normal = normalize(
    add(hit.normal, [0.12 * grain, 0, 0.5 * (hit.normal[1] > 0 ? across - 0.5 : 0) ** 3 * 8]),
  );
  const lit = nearest(add(at, scale(hit.normal, 0.002)), SUN) ? 0 : Math.max(dot(normal, SUN), 0);
  const open = 0.3 + 0.55 * Math.max(normal[1], 0.15);
  const light = add(scale(SUNLIGHT, lit), scale(SKYLIGHT, open));
  return { distance: hit.distance, light: multiply(scale(wood, gap * wet * nail), light) };
}
