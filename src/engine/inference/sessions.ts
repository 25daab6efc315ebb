import { largestSide } from '../tiling/canvas.ts';
import type { Layout } from '../tiling/layout.ts';
import type { Session, Tensor } from './onnxruntime.ts';

/** Pictures of a run, and the side of their square canvases. */
export interface Shape {
  readonly count: number;
  readonly side: number;
}

/** The shapes of runs over whole pictures, the largest first; none, if a device takes any. */
export function wholeShapes({ sides = [], batch }: Layout): readonly Shape[] {
  const counts = [...new Set([batch, 1])];
  return sides.toReversed().flatMap((side) => counts.map((count) => ({ count, side })));
}

export function tileShapes(layout: Layout): readonly Shape[] {
  return layout.sides ? [{ count: 1, side: largestSide(layout.sides) }] : [];
}

/** Of pictures in several styles by place, whole or in tiles: one at a time. */
export function maskedShapes({ sides = [] }: Layout): readonly Shape[] {
  return sides.toReversed().map((side) => ({ count: 1, side }));
}

/**
 * A session for every shape of `pixels` behind the face of one, or a single one for any shape if
 * none is given. On CUDA a session keeps the convolution plans of its last shape alone
 * (src/DECISIONS.md).
 */
export async function sessionPerShape(
  shapes: readonly Shape[],
  create: () => Promise<Session>,
): Promise<Session> {
  if (shapes.length === 0) return create();
  const sessions = new Map<string, Session>();
  for (const { count, side } of shapes) {
    sessions.set(String([count, side, side, 3]), await create());
  }
  return {
    run(inputs) {
      const dims = String((inputs['pixels'] as Tensor).dims);
      const session = sessions.get(dims);
      if (!session) throw new RangeError(`There is no session for pixels of shape ${dims}`);
      return session.run(inputs);
    },
    async release() {
      await Promise.all([...sessions.values()].map((session) => session.release()));
    },
  };
}

/**
 * Sessions that are opened when they are asked for, of which `most` stay open, those that were opened
 * last: each keeps the memory of its largest run. They are asked for one at a time.
 */
export function createSessions<Kind extends string>(
  create: Readonly<Record<Kind, () => Promise<Session>>>,
  most: number,
) {
  const opened = new Map<Kind, Session>();
  const open = async (kind: Kind): Promise<Session> => {
    const known = opened.get(kind);
    if (known) return known;
    const [oldest] = opened;
    if (oldest && opened.size >= most) {
      opened.delete(oldest[0]);
      await oldest[1].release();
    }
    const session = await create[kind]();
    opened.set(kind, session);
    return session;
  };
  return {
    open,
    async release(): Promise<void> {
      await Promise.all([...opened.values()].map((session) => session.release()));
    },
  };
}
