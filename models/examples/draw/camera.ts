import sharp from 'sharp';
import { hash } from '../../styles/draw/kit/noise.ts';
import { clamp } from '../../styles/draw/kit/math.ts';
import type { Random } from '../../styles/draw/kit/random.ts';
import { add, along, cross, normalize, scale, subtract, type Vector } from './vector.ts';

/** What a camera photographs: the light that comes back along a ray. */
export type Scene = (origin: Vector, direction: Vector, random: Random) => Vector;

export interface Camera {
  readonly from: Vector;
  readonly to: Vector;
  /** Distance from the lens to a film one unit high: 1 is wide, 2 is a portrait lens. */
  readonly focalLength: number;
  /** Radius of the lens: how soft everything out of focus (`to` is in focus) becomes. */
  readonly aperture: number;
  readonly exposure: number;
  readonly raysPerPixel: number;
}

export interface Photograph {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export function photograph(
  scene: Scene,
  camera: Camera,
  width: number,
  height: number,
  random: Random,
): Photograph {
  const forward = normalize(subtract(camera.to, camera.from));
  const right = normalize(cross([0, 1, 0], forward));
  const up = cross(forward, right);
  const focus = Math.hypot(...subtract(camera.to, camera.from));
  const pixels = new Uint8Array(width * height * 3);

  const ray = (column: number, row: number): Vector => {
    const x = (column + random.next() - width / 2) / height;
    const y = (height / 2 - row - random.next()) / height;
    const sharpAt = along(
      camera.from,
      add(scale(forward, camera.focalLength), add(scale(right, x), scale(up, y))),
      focus / camera.focalLength,
    );
    const turn = 2 * Math.PI * random.next();
    const reach = camera.aperture * Math.sqrt(random.next());
    const lens = add(scale(right, reach * Math.cos(turn)), scale(up, reach * Math.sin(turn)));
    const origin = add(camera.from, lens);
    return scene(origin, normalize(subtract(sharpAt, origin)), random);
  };

  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let light: Vector = [0, 0, 0];
      for (let i = 0; i < camera.raysPerPixel; i++) light = add(light, ray(column, row));
      const corner = ((column / width - 0.5) ** 2 + (row / height - 0.5) ** 2) * 2;
      const exposed = scale(light, (camera.exposure * (1 - 0.35 * corner)) / camera.raysPerPixel);
      const grain = (hash(column, row, 1) + hash(column, row, 2) - 1) * 0.022;
      const pixel = row * width + column;
      for (let channel = 0; channel < 3; channel++) {
        pixels[3 * pixel + channel] = Math.round(
          255 * clamp(develop(exposed[channel] ?? 0) + grain),
        );
      }
    }
  }
  return { width, height, pixels };
}

/** Film: linear light to sRGB with a soft shoulder, so that highlights roll off (ACES, fitted by Narkowicz). */
function develop(light: number): number {
  const toned = clamp((light * (2.51 * light + 0.03)) / (light * (2.43 * light + 0.59) + 0.14));
  return toned ** (1 / 2.2);
}

export async function jpeg(
  { width, height, pixels }: Photograph,
  small?: readonly [number, number],
): Promise<Buffer> {
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  if (small) image.resize(...small, { fit: 'cover' });
  return image.jpeg({ quality: 90, mozjpeg: true }).toBuffer();
}
