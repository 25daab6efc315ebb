import { crc32 } from 'node:zlib';

import { type Chunk, chunksOf, tag } from './png-chunks.ts';

const data = tag('IDAT');
const frameControl = tag('fcTL');
const frameData = tag('fdAT');

/** At the begin of an fdAT, its place among the others. */
const sequenceBytes = 4;

/**
 * A PNG that ends in the middle of a chunk, with what there is of its data in a sound chunk; the
 * decoder takes it if the whole picture is there.
 */
export function endMended(bytes: Buffer, { name, at, start, end }: Chunk): Buffer {
  const rest = name === data ? pngChunk('IDAT', bytes.subarray(start, end)) : [];
  return Buffer.concat([bytes.subarray(0, at), ...rest, ...pngChunk('IEND')]);
}

/**
 * Whether the frame that an fcTL announces is as large as the picture. What lies around a smaller
 * one is nothing; then the picture is what those show who know no animations.
 */
export function fillsPicture(bytes: Buffer, control: Chunk): boolean {
  const [frame, place] = [bytes.subarray(control.start + 4), bytes.subarray(control.start + 12)];
  return (
    control.end - control.start >= 20 &&
    frame.compare(bytes, 16, 24, 0, 8) === 0 &&
    place.subarray(0, 8).every((byte) => byte === 0)
  );
}

/** Of a frame; sound files have some of 8 KiB or so each, more would cost time here. */
const mostParts = 20_000;

/**
 * Of the frame that an fcTL announces, compressed, in bytes.
 * @returns Infinity for one in more parts than sound files have
 */
export function frameBytes(bytes: Buffer, control: Chunk): number {
  let length = 0;
  let parts = 0;
  for (const { start, end } of frameParts(bytes, control)) {
    if (++parts > mostParts) return Infinity;
    length += dataBytes(start, end);
  }
  return length;
}

/**
 * The frame that an fcTL announces as a PNG of its own.
 * @param headBytes all before the first chunk of data
 */
export function frameAlone(bytes: Buffer, headBytes: number, control: Chunk): Buffer {
  const frame = Buffer.alloc(frameBytes(bytes, control));
  let at = 0;
  for (const { start, end } of frameParts(bytes, control)) {
    if (dataBytes(start, end) > 0) at += bytes.copy(frame, at, start + sequenceBytes, end);
  }
  const head = bytes.subarray(0, headBytes);
  return Buffer.concat([head, ...pngChunk('IDAT', frame), ...pngChunk('IEND')]);
}

/** Of an fdAT. */
const dataBytes = (start: number, end: number) => Math.max(end - start - sequenceBytes, 0);

/** The chunks of a frame's data: they follow its control, up to the next. */
function* frameParts(bytes: Buffer, control: Chunk): Generator<Chunk> {
  for (const chunk of chunksOf(bytes, control.end + 4)) {
    if (chunk.name === frameControl) return;
    if (chunk.name === frameData) yield chunk;
  }
}

function pngChunk(name: string, content: Buffer = Buffer.alloc(0)): Buffer[] {
  const [head, sum] = [Buffer.alloc(8), Buffer.alloc(4)];
  head.writeUInt32BE(content.length);
  head.write(name, 4, 'latin1');
  sum.writeUInt32BE(crc32(content, crc32(head.subarray(4))));
  return [head, content, sum];
}
