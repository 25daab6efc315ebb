/** The boxes of ISO's base media file format, of which AVIF is one. */

export interface Box {
  readonly type: string;
  /** Where its length stands; its content is from start to end. */
  readonly at: number;
  readonly start: number;
  readonly end: number;
}

/** Sound files have a few dozen; more would cost time here. */
const mostBoxes = 20_000;

/** Thrown where there is more of something than sound files have; the walk ends there. */
export class Unbounded extends Error {}

/** The boxes between start and end. @throws Unbounded for more than `mostBoxes` */
export function boxes(bytes: Buffer, start: number, end: number): Box[] {
  const found: Box[] = [];
  for (let at = start; at + 8 <= end;) {
    const short = bytes.readUInt32BE(at);
    const head = short === 1 ? 16 : 8;
    if (at + head > end) break;
    const length =
      short === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : short === 0 ? end - at : short;
    if (length < head) break;
    if (found.length === mostBoxes) throw new Unbounded();
    const type = bytes.toString('latin1', at + 4, at + 8);
    found.push({ type, at, start: at + head, end: Math.min(at + length, end) });
    at += length;
  }
  return found;
}

export function find(among: readonly Box[], type: string): Box | undefined {
  return among.find((box) => box.type === type);
}

/** Reads whole numbers of 0 to 8 bytes; past the end all are 0, and `left` says so. */
export function createReader(bytes: Buffer, start: number, end: number) {
  let at = start;
  return {
    get left() {
      return end - at;
    },
    whole(length: number): number {
      let value = 0;
      for (let index = 0; index < length; index++) {
        value = value * 256 + (at < end ? (bytes[at] ?? 0) : 0);
        at++;
      }
      return value;
    },
  };
}
