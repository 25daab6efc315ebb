import type { Stylization } from './stylize.ts';

/** The knobs of a request that artists turn. */
export const controls = ['alpha', 'mask', 'strokes', 'color', 'frames'] as const;
export type Control = (typeof controls)[number];

/** Those that are not as they are without a word, as the log shows them; of masks how many there are. */
export function turnedControls({
  counts,
  masks,
  strokes,
  color,
  frames,
}: Pick<Stylization, 'counts' | 'masks' | 'strokes' | 'color' | 'frames'>): Partial<
  Record<Control, unknown>
> {
  const alphas = counts.map(({ alpha }) => alpha);
  return {
    ...(alphas.some((alpha) => alpha !== 1) && { alpha: alphas }),
    ...(masks.length > 0 && { mask: masks.length }),
    ...(strokes !== 'auto' && { strokes }),
    ...(color !== 'style' && { color }),
    ...(frames !== 'first' && { frames }),
  };
}
