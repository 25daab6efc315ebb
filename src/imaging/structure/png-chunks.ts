export interface Chunk {
  /** Its four letters, as a number. */
  readonly name: number;
  /** Where its length stands. */
  readonly at: number;
  /** Its data are from start to end. */
  readonly start: number;
  readonly end: number;
  /** Neither data nor checksum are cut off. */
  readonly isWhole: boolean;
}

export const tag = (name: string) => Buffer.from(name, 'latin1').readUInt32BE();

/** The chunks of a PNG from one on. */
export function* chunksOf(bytes: Buffer, from = 8): Generator<Chunk> {
  for (let at = from; at + 8 <= bytes.length;) {
    const start = at + 8;
    const next = start + bytes.readUInt32BE(at) + 4;
    const end = Math.min(next - 4, bytes.length);
    yield { name: bytes.readUInt32BE(at + 4), at, start, end, isWhole: next <= bytes.length };
    at = next;
  }
}
