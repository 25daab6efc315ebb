import { createMask, maskSide, type Brush, type Mask, type Point } from './brush.ts';
import { find, make, onFiles } from './dom.ts';
import { showProblem } from './problems.ts';
import type { ChosenStyle } from './settings.ts';

const canvas = find('#mask', HTMLCanvasElement);
const panel = find('#brush', HTMLFieldSetElement);
const toggle = find('#mask-toggle', HTMLButtonElement);
const size = find('#brush-size', HTMLInputElement);
const hardness = find('#brush-hardness', HTMLInputElement);
const target = find('#mask-for', HTMLSelectElement);
const targetLabel = find('#mask-for-label', HTMLElement);

/** What a mask belongs to: all styles, or one, wherever it is in the list. */
type Owner = ChosenStyle['picture'] | ChosenStyle['id'];
const forAll = '';

const ownerOf = ({ picture, id }: ChosenStyle): Owner => picture ?? id;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** How a picture of the webcam was taken. */
export interface Taken {
  readonly isMirrored: boolean;
}

/** The masks of a picture, and the brush that paints them. */
export function createMasking(change: () => void) {
  let masks = new Map<Owner, Mask>();
  let picture: Size | undefined;
  /** Of the pictures before. */
  const kept = new WeakMap<Size, typeof masks>();
  /** As they are in `target`. */
  let owners: Owner[] = [forAll];
  let [width, height] = [maskSide, maskSide];
  let cursor: Point = [0, 0];

  const owner = () => owners[target.selectedIndex] ?? forAll;
  const current = (): Mask => {
    const mask = masks.get(owner()) ?? createMask(width, height);
    masks.set(owner(), mask);
    return mask;
  };
  const brush = (): Brush => ({
    size: (size.valueAsNumber / 100) * Math.min(width, height),
    hardness: hardness.valueAsNumber / 100,
    color: find('input[name=brush]:checked', HTMLInputElement, panel).value as Brush['color'],
  });
  const show = () => {
    if (panel.hidden) return;
    const mask = masks.get(owner()) ?? createMask(width, height);
    mask.drawOn(canvas);
  };
  const stroke = (from: Point, to: Point) => {
    current().stroke(from, to, brush());
    cursor = to;
    show();
  };

  function open(isOpen: boolean): void {
    panel.hidden = canvas.hidden = !isOpen;
    toggle.ariaPressed = String(isOpen);
    show();
  }
  toggle.addEventListener('click', () => {
    open(Boolean(panel.hidden));
  });

  const pointOf = ({ offsetX, offsetY }: PointerEvent): Point => [
    (offsetX / canvas.clientWidth) * width,
    (offsetY / canvas.clientHeight) * height,
  ];
  let last: Point | undefined;
  canvas.addEventListener('pointerdown', (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    current().keep();
    last = pointOf(event);
    stroke(last, last);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!last || !event.isPrimary) return;
    const next = pointOf(event);
    stroke(last, next);
    last = next;
  });
  for (const end of ['pointerup', 'pointercancel'] as const) {
    canvas.addEventListener(end, () => {
      if (last) change();
      last = undefined;
    });
  }
  canvas.addEventListener('keydown', (event) => {
    const step = brush().size / 4;
    const moves: Record<string, Point> = {
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, -step],
      ArrowDown: [0, step],
    };
    const move = moves[event.key];
    if (move) {
      const [x, y] = cursor;
      cursor = [
        Math.min(width, Math.max(0, x + move[0])),
        Math.min(height, Math.max(0, y + move[1])),
      ];
      show();
      outline();
    } else if (event.key === ' ') {
      current().keep();
      stroke(cursor, cursor);
      outline();
      change();
    } else return;
    event.preventDefault();
  });
  function outline(): void {
    const context = canvas.getContext('2d');
    if (!context) return;
    context.lineWidth = 4;
    context.strokeStyle = '#f4a259';
    context.beginPath();
    context.arc(...cursor, brush().size / 2, 0, 2 * Math.PI);
    context.stroke();
  }

  /** @param mask of a style without one Undo and Clear have nothing to do */
  const act = (button: string, mask: () => Mask | undefined, action: (mask: Mask) => void) => {
    find(button, HTMLButtonElement).addEventListener('click', () => {
      const found = mask();
      if (!found) return;
      action(found);
      show();
      change();
    });
  };
  const existing = () => masks.get(owner());
  act('#mask-undo', existing, (mask) => {
    mask.undo();
  });
  act('#mask-invert', current, (mask) => {
    mask.keep();
    mask.invert();
  });
  act('#mask-clear', existing, (mask) => {
    mask.keep();
    mask.clear();
  });
  target.addEventListener('change', show);

  async function read(file: File): Promise<void> {
    const bitmap = await createImageBitmap(file).catch(() => undefined);
    if (!bitmap) {
      showProblem(
        new Error('This browser cannot show the mask. Choose a JPEG, PNG or WebP.'),
        'mask',
      );
      return;
    }
    const mask = current();
    mask.keep();
    mask.draw(bitmap);
    bitmap.close();
    open(true);
    change();
  }
  onFiles(find('#mask-file', HTMLInputElement), ([file]) => {
    if (file) void read(file);
  });

  /** Lets go what belongs to no style any more, and paints on where there is a mask. */
  function aim(was: Owner): void {
    masks = new Map([...masks].filter(([of]) => owners.includes(of)));
    const wanted = owners.length === 2 ? owners[1] : was;
    target.selectedIndex = masks.has(wanted) ? owners.indexOf(wanted) : 0;
  }

  return {
    /**
     * For another picture: none, in its proportions, or those that it had when it was left.
     * @param taken of what is masked now, which may have been seen mirrored: its masks come along
     */
    turnTo(next: Size, taken?: Taken): void {
      const before = masks;
      if (picture) kept.set(picture, masks);
      picture = next;
      const scale = maskSide / Math.max(next.width, next.height);
      width = Math.max(1, Math.round(next.width * scale));
      height = Math.max(1, Math.round(next.height * scale));
      masks = kept.get(next) ?? new Map<Owner, Mask>();
      if (taken) {
        for (const [of, mask] of before) {
          const own = createMask(width, height);
          mask.copyTo(own, taken.isMirrored);
          masks.set(of, own);
        }
      }
      cursor = [width / 2, height / 2];
      aim(owner());
      open(false);
    },
    /** Masks go where their styles go, and with them. */
    follow(styles: readonly ChosenStyle[]): void {
      const was = owner();
      owners = [forAll, ...styles.map(ownerOf)];
      const names = ['All styles', ...styles.map(({ name }) => name)];
      target.replaceChildren(...names.map((name) => make('option', {}, name)));
      aim(was);
      targetLabel.hidden = styles.length < 2;
      show();
    },
    /** An own picture is a style of the library from now on. */
    rename(picture: Blob, id: string): void {
      const mask = masks.get(picture);
      if (mask) masks.set(id, mask);
    },
    /** What is sent: none, one for all styles, or one a style. */
    async blobs(): Promise<Blob[]> {
      const all = masks.get(forAll);
      const own = owners.slice(1).map((of) => masks.get(of));
      if (own.every((mask) => !mask)) return all ? [await all.toBlob()] : [];
      const white = createMask(width, height);
      return Promise.all(own.map((mask) => (mask ?? all ?? white).toBlob()));
    },
    read,
  };
}
