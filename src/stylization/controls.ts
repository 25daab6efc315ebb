import type { Stylization } from './stylize.ts';

/** The knobs of a request that artists turn. */
export const controls = ['alpha', 'strokes', 'color'] as const;
export type Control = (typeof controls)[number];

const defaults: Pick<Stylization, Control> = { alpha: 1, strokes: 'auto', color: 'style' };

/** Those that are not as they are without a word. */
export function turnedControls(request: Pick<Stylization, Control>): Partial<typeof defaults> {
  const turned = controls.filter((control) => request[control] !== defaults[control]);
  return Object.fromEntries(turned.map((control) => [control, request[control]]));
}
