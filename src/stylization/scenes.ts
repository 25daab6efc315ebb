/**
 * Scenes of an animation: frames that look alike, whose statistics as contents are taken together. With
 * statistics of each frame what stands still would flicker with what moves; with those of all frames
 * one scene would colour another.
 */
import type { StyleStatistics } from '../engine/index.ts';
import { inTurns } from '../in-turns.ts';
import type { RgbImage } from '../rgb-image.ts';

/** Levels of a channel that a histogram tells apart: soft, so that no edge between two counts. */
const bins = 16;
/** Looked at of a frame, at most. */
const samples = 2 ** 14;
/** Looked at in one turn of the event loop: some milliseconds. */
const framesInTurn = 4;
/**
 * Frames further apart are of two scenes, as a share of what two frames can be (src/DECISIONS.md).
 */
export const cut = 0.15;

/** Of each frame the number of its scene, from 0. One that a frame returns to is the same again. */
export async function scenesOf(frames: readonly RgbImage[]): Promise<number[]> {
  /** The last histogram of each scene, in the order in which they were last seen. */
  const last = new Map<number, Float32Array>();
  const scenes: number[] = [];
  await inTurns(frames.length, framesInTurn, (start, end) => {
    for (const frame of frames.slice(start, end)) {
      const histogram = histogramOf(frame);
      const alike = [...last].toReversed().find(([, other]) => distance(other, histogram) <= cut);
      const scene = alike?.[0] ?? last.size;
      last.delete(scene);
      last.set(scene, histogram);
      scenes.push(scene);
    }
  });
  return scenes;
}

/** Shares of levels, of each channel: float32 [3, bins]. A level counts for the two bins that it is between. */
export function histogramOf({ data }: RgbImage): Float32Array {
  const histogram = new Float32Array(3 * bins);
  const pixels = data.length / 3;
  const step = Math.max(1, Math.floor(pixels / samples));
  for (let pixel = 0; pixel < pixels; pixel += step) {
    for (let channel = 0; channel < 3; channel++) {
      const place = ((data[3 * pixel + channel] as number) * (bins - 1)) / 255;
      const bin = Math.min(Math.floor(place), bins - 2);
      const at = channel * bins + bin;
      histogram[at] = (histogram[at] as number) + 1 - (place - bin);
      histogram[at + 1] = (histogram[at + 1] as number) + place - bin;
    }
  }
  const seen = Math.ceil(pixels / step);
  return histogram.map((count) => count / seen);
}

/** 0 for the same levels to 1 for none in common: the mean over the channels of how much must be moved. */
export function distance(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, share, i) => sum + Math.abs(share - (b[i] as number)), 0) / 6;
}

/**
 * Statistics of pictures of one size taken together.
 * @param all float32 [2, C] each, at least one
 */
export function mergedStatistics(all: readonly StyleStatistics[]): StyleStatistics {
  const [{ length }] = all as [StyleStatistics];
  const merged = new Float32Array(length);
  const meanOf = (valueOf: (one: StyleStatistics) => number) =>
    all.reduce((sum, one) => sum + valueOf(one), 0) / all.length;
  for (let channel = 0, at = length / 2; at < length; channel++, at++) {
    const mean = meanOf((one) => one[channel] as number);
    // The variance within pictures, and between them; ε is in each of the former.
    const variance = meanOf(
      (one) => (one[at] as number) ** 2 + ((one[channel] as number) - mean) ** 2,
    );
    merged[channel] = mean;
    merged[at] = Math.sqrt(variance);
  }
  return merged;
}
