import { type Box, boxes, createReader, find } from './boxes.ts';

/** The first frame of a sequence. */
interface Frame {
  readonly width: number;
  readonly height: number;
  /** `av1C` and `colr`, with their heads. */
  readonly properties: readonly Buffer[];
  readonly data: Buffer;
}

/** Of the picture, not of its opacity, whose track says that it is that. */
const pictureHandlers = new Set(['pict', 'vide']);

/** A picture and its opacity, or some of them; more would cost time here. */
const mostTracks = 8;

/** `av1C` and two `colr`; more would not fit the numbers of the file that is made of them. */
const mostProperties = 8;

/** Where the boxes of a sample entry begin: behind what all pictures have in common. */
const entryBytes = 78;

/** @returns undefined where there is none, or it is cut short */
export function findFirstFrame(bytes: Buffer, moov: Box): Frame | undefined {
  const within = (box: Box | undefined) => (box ? boxes(bytes, box.start, box.end) : []);
  const tracks = within(moov).filter(({ type }) => type === 'trak');
  for (const track of tracks.slice(0, mostTracks)) {
    const media = within(find(within(track), 'mdia'));
    const handler = find(media, 'hdlr');
    const kind = handler && bytes.toString('latin1', handler.start + 8, handler.start + 12);
    if (kind === undefined || !pictureHandlers.has(kind)) continue;
    const tables = within(find(within(find(media, 'minf')), 'stbl'));
    const descriptions = find(tables, 'stsd');
    const entry =
      descriptions && find(boxes(bytes, descriptions.start + 8, descriptions.end), 'av01');
    const data = findSample(bytes, tables);
    if (!entry || !data) continue;
    const reader = createReader(bytes, entry.start + 24, entry.end);
    const [width, height] = [reader.whole(2), reader.whole(2)];
    const properties = boxes(bytes, entry.start + entryBytes, entry.end)
      .filter(({ type }) => type === 'av1C' || type === 'colr')
      .slice(0, mostProperties)
      .map(({ at, end }) => bytes.subarray(at, end));
    return { width, height, properties, data };
  }
  return undefined;
}

/** The first, by the tables of its track. */
function findSample(bytes: Buffer, tables: readonly Box[]): Buffer | undefined {
  const sizes = find(tables, 'stsz');
  const offsets = find(tables, 'stco') ?? find(tables, 'co64');
  if (!sizes || !offsets) return undefined;
  const size = createReader(bytes, sizes.start + 4, sizes.end);
  const common = size.whole(4);
  size.whole(4);
  const length = common || size.whole(4);
  const offset = createReader(bytes, offsets.start + 8, offsets.end);
  const start = offset.whole(offsets.type === 'co64' ? 8 : 4);
  return start + length <= bytes.length ? bytes.subarray(start, start + length) : undefined;
}

/** A frame as an AVIF of its own. */
export function frameAlone({ width, height, properties, data }: Frame): Buffer {
  const type = box('ftyp', text('avif\0\0\0\0avifmif1miaf'));
  const named = properties.map((_, index) => 0x80 + index + 2);
  const meta = (start: number) =>
    fullBox(
      'meta',
      fullBox('hdlr', Buffer.alloc(4), text('pict'), Buffer.alloc(13)),
      fullBox('pitm', numbers(2, 1)),
      // Numbers of 4 bytes; one item, in the file, of one extent.
      fullBox('iloc', numbers(1, 0x44, 0), numbers(2, 1, 1, 0, 1), numbers(4, start, data.length)),
      fullBox(
        'iinf',
        numbers(2, 1),
        box('infe', numbers(4, 2 << 24), numbers(2, 1, 0), text('av01\0')),
      ),
      box(
        'iprp',
        box('ipco', fullBox('ispe', numbers(4, width, height)), ...properties),
        fullBox('ipma', numbers(4, 1), numbers(2, 1), numbers(1, 1 + named.length, 1, ...named)),
      ),
    );
  const start = type.length + meta(0).length + 8;
  return Buffer.concat([type, meta(start), box('mdat', data)]);
}

const text = (content: string) => Buffer.from(content, 'latin1');

/** Whole numbers of so many bytes each. */
function numbers(size: 1 | 2 | 4, ...values: number[]): Buffer {
  const bytes = Buffer.alloc(size * values.length);
  for (const [index, value] of values.entries()) bytes.writeUIntBE(value, index * size, size);
  return bytes;
}

function box(type: string, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([numbers(4, 8 + body.length), text(type), body]);
}

function fullBox(type: string, ...content: Buffer[]): Buffer {
  return box(type, Buffer.alloc(4), ...content);
}
