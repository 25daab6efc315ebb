import { fractal, noise } from '../../styles/draw/kit/noise.ts';
import type { Surface } from './path-tracer.ts';
import type { Vector } from './vector.ts';

export type Texture = (at: Vector, normal: Vector) => Surface;

/** A bump from noise: the gradient's two halves are taken as unrelated noises, which looks the same. */
export const pores = ([x, y, z]: Vector, size: number, depth: number, seed: number): Vector => [
  depth * noise(x / size + z / size, y / size, seed),
  depth * noise(y / size - x / size, z / size, seed + 1),
  depth * noise(z / size - y / size, x / size, seed + 2),
];

export const mottle = ([x, y, z]: Vector, size: number, seed: number): number =>
  0.5 + 0.5 * (fractal((x + z) / size, y / size, seed) + noise((x - z) / size, y / size, seed + 9));
