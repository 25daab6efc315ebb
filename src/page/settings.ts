/** All that a link can say of a picture: everything but the pictures. */

export const colors = ['style', 'content', 'only'] as const;
export const formats = ['jpeg', 'png', 'webp', 'avif', 'gif'] as const;
export const frames = ['first', 'all'] as const;
export const mostStyles = 8;

export interface ChosenStyle {
  /** What GET /styles or a Style-Id header calls it; of an own picture unknown until it was painted. */
  readonly id?: string;
  readonly name: string;
  /** An own picture. */
  readonly picture?: Blob;
  readonly weight: number;
  /** 0 to 1. */
  readonly alpha: number;
}

export interface Settings {
  readonly styles: readonly ChosenStyle[];
  /** 0.25 to 4. */
  readonly strokes: number | 'auto';
  readonly color: (typeof colors)[number];
  /** Longest side of the result in pixels; the photograph's if absent. */
  readonly size: number | undefined;
  readonly format: (typeof formats)[number] | undefined;
  readonly quality: number;
  /** Of an animation. */
  readonly frames: (typeof frames)[number];
}

export const initial: Settings = {
  styles: [],
  strokes: 'auto',
  color: 'style',
  size: undefined,
  format: undefined,
  quality: 85,
  frames: 'first',
};

export const choose = (id: string, name: string): ChosenStyle => ({
  id,
  name,
  weight: 1,
  alpha: 1,
});

/** What is not as it is at first, as the fragment of an address. */
export function toFragment(settings: Settings): string {
  const { styles, strokes, color, size, format, quality } = settings;
  const known = styles.filter(({ id }) => id !== undefined);
  const fragment = new URLSearchParams();
  const say = (name: string, value: unknown, usual: unknown) => {
    if (value !== usual) fragment.set(name, String(value));
  };
  say('styles', known.map(({ id }) => id).join(), '');
  say('weights', weightsOf(known)?.join(), undefined);
  say('alpha', alphaOf(known).join(), '1');
  say('strokes', strokes, initial.strokes);
  say('color', color, initial.color);
  say('size', size, initial.size);
  say('format', format, initial.format);
  say('quality', quality, initial.quality);
  say('frames', settings.frames, initial.frames);
  return fragment.toString().replaceAll('%2C', ',');
}

/** What a link says, as far as it makes sense. */
export function fromFragment(text: string): Settings {
  const fragment = new URLSearchParams(text);
  const list = (name: string) => fragment.get(name)?.split(',') ?? [];
  const number = (value: string | null | undefined, min: number, max: number) => {
    const read = value ? Number(value) : NaN;
    return read >= min && read <= max ? read : undefined;
  };
  const oneOf = <T extends string>(values: readonly T[], name: string) =>
    values.find((value) => value === fragment.get(name));
  const ids = list('styles').filter((id) => /^[a-z0-9][a-z0-9-]{0,79}$/.test(id));
  const [weights, alpha] = [list('weights'), list('alpha')];
  return {
    styles: ids.slice(0, mostStyles).map((id, at) => ({
      ...choose(id, id),
      weight: number(weights[at], 0, 10) ?? 1,
      alpha: number(alpha[at] ?? alpha[0], 0, 1) ?? 1,
    })),
    strokes: number(fragment.get('strokes'), 0.25, 4) ?? initial.strokes,
    color: oneOf(colors, 'color') ?? initial.color,
    size: whole(number(fragment.get('size'), 16, 65_535)),
    format: oneOf(formats, 'format'),
    quality: whole(number(fragment.get('quality'), 1, 100)) ?? initial.quality,
    frames: oneOf(frames, 'frames') ?? initial.frames,
  };
}

const whole = (value: number | undefined) => (value === undefined ? value : Math.round(value));

/** Undefined where all are alike. */
export function weightsOf(styles: readonly ChosenStyle[]): number[] | undefined {
  const weights = styles.map(({ weight }) => weight);
  return weights.some((weight) => weight !== weights[0]) ? weights : undefined;
}

/** One where all are alike. */
export function alphaOf(styles: readonly ChosenStyle[]): number[] {
  const all = styles.map(({ alpha }) => alpha);
  const [first = 1] = all;
  return all.every((alpha) => alpha === first) ? [first] : all;
}
