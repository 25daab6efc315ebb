/**
 * Letters as a pen draws them, of what ids are made of: lines from point to point, two digits each, x
 * from the left and y from above (2 to 6 for x, 8 below the line). A picture needs no font so.
 */
const letters: Readonly<Record<string, string>> = {
  a: '42-46 43-32-12-03-05-16-36-45',
  b: '00-06 03-12-32-43-45-36-16-05',
  c: '43-32-12-03-05-16-36-45',
  d: '40-46 43-32-12-03-05-16-36-45',
  e: '04-44-43-32-12-03-05-16-36-45',
  f: '30-20-11-16 02-32',
  g: '42-47-38-18-07 43-32-12-03-05-16-36-45',
  h: '00-06 03-12-32-43-46',
  i: '02-06 00-00',
  j: '12-17-08 10-10',
  k: '00-06 42-04 23-46',
  l: '00-06',
  m: '02-06 03-12-22-33-36 33-42-52-63-66',
  n: '02-06 03-12-32-43-46',
  o: '03-12-32-43-45-36-16-05-03',
  p: '02-08 03-12-32-43-45-36-16-05',
  q: '42-48 43-32-12-03-05-16-36-45',
  r: '02-06 03-12-32',
  s: '43-32-12-03-14-34-45-36-16-05',
  t: '10-15-26-36 02-32',
  u: '02-05-16-36-45 42-46',
  v: '02-26-42',
  w: '02-16-33-56-62',
  x: '02-46 42-06',
  y: '02-26 42-18-08',
  z: '02-42-06-46',
  0: '10-30-41-45-36-16-05-01-10',
  1: '02-20-26',
  2: '01-10-30-41-42-06-46',
  3: '01-10-30-41-42-33-13 33-44-45-36-16-05',
  4: '36-30-04-44',
  5: '40-00-03-32-43-45-36-16-05',
  6: '41-30-10-01-05-16-36-45-44-33-13-04',
  7: '00-40-16',
  8: '13-02-01-10-30-41-42-33-13-04-05-16-36-45-44-33',
  9: '05-16-36-45-41-30-10-01-02-13-43',
  '-': '04-34',
};

interface Point {
  readonly x: number;
  readonly y: number;
}
type Line = readonly [Point, Point];

/** Between letters, in the units of the letters. */
const gap = 2;
/** Half of a line's breadth, in those units. */
const pen = 0.5;

/** Left and right of what fills its field, in pixels. */
const edge = 2;

/** White paper with dark letters on it, one byte a pixel. What it has no letter for is left out. */
export function write(text: string, { width, height }: { width: number; height: number }) {
  const { lines, length } = layOut(text);
  const unit = Math.min(height / 14, (width - 2 * edge) / Math.max(1, length));
  const top = (height - 8 * unit) / 2;
  const left = (width - length * unit) / 2;
  const data = Buffer.alloc(width * height, 255);
  for (const line of lines) {
    const [a, b] = line.map(({ x, y }) => ({
      x: left + x * unit,
      y: top + y * unit,
    })) as unknown as Line;
    const reach = pen * unit + 1;
    const columns = [Math.min(a.x, b.x) - reach, Math.max(a.x, b.x) + reach] as const;
    const rows = [Math.min(a.y, b.y) - reach, Math.max(a.y, b.y) + reach] as const;
    for (let y = Math.max(0, Math.floor(rows[0])); y < Math.min(height, rows[1]); y++) {
      for (let x = Math.max(0, Math.floor(columns[0])); x < Math.min(width, columns[1]); x++) {
        const paper = distance({ x: x + 0.5, y: y + 0.5 }, a, b) - pen * unit + 0.5;
        const shade = Math.round(255 * Math.min(1, Math.max(0.13, paper)));
        const at = y * width + x;
        data[at] = Math.min(data[at] as number, shade);
      }
    }
  }
  return data;
}

/** All lines of a text one beside the other, and where the last letter ends. */
function layOut(text: string) {
  const lines: Line[] = [];
  let start = 0;
  for (const letter of text) {
    const points = (letters[letter] ?? '').split(' ').map((stroke) =>
      [...stroke.matchAll(/(\d)(\d)/g)].map(([, x, y]) => ({
        x: start + Number(x),
        y: Number(y),
      })),
    );
    for (const stroke of points) {
      for (const [index, to] of stroke.entries()) {
        const from = stroke[index - 1];
        if (from) lines.push([from, to]);
      }
    }
    start = Math.max(start, ...points.flat().map(({ x }) => x)) + gap;
  }
  return { lines, length: start - gap };
}

/** From a point to a line between two. */
function distance({ x, y }: Point, a: Point, b: Point): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const squared = dx * dx + dy * dy;
  const along = squared === 0 ? 0 : ((x - a.x) * dx + (y - a.y) * dy) / squared;
  const share = Math.min(1, Math.max(0, along));
  return Math.hypot(x - a.x - share * dx, y - a.y - share * dy);
}
