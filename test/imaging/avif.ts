/** AVIF files put together of what sharp has encoded, with what it does not write around it. */
import { box, fullBox, itemInfo } from './costly.ts';
import { uint16, uint32 } from './files.ts';

interface AvifParts {
  /** `av1C`, with its head. */
  readonly config: Buffer;
  readonly data: Buffer;
}

/** Of an AVIF from sharp without opacity. */
export function avifParts(avif: Buffer): AvifParts {
  const config = avif.indexOf('av1C') - 4;
  return {
    config: avif.subarray(config, config + avif.readUInt32BE(config)),
    data: avif.subarray(avif.indexOf('mdat') + 4),
  };
}

/** Of the opacity of one with: a picture of grey. */
export function opacityParts(avif: Buffer): AvifParts {
  const config = avif.lastIndexOf('av1C') - 4;
  const length = avif.readUInt32BE(avif.indexOf('iloc') + 44);
  return { config: avif.subarray(config, config + 12), data: avif.subarray(-length) };
}

/** Colours by their numbers in H.273. */
export const nclx = (primaries: number, transfer: number, matrix = 6) =>
  box(
    'colr',
    Buffer.from('nclx'),
    ...[primaries, transfer, matrix].map(uint16),
    Buffer.from([0x80]),
  );

export const iccProperty = (profile: Buffer) => box('colr', Buffer.from('prof'), profile);

interface AvifOptions {
  readonly width: number;
  readonly height: number;
  /** Of the picture, beside size and configuration. */
  readonly properties?: readonly Buffer[];
  /** A sequence of so many times the same frame stands beside it. */
  readonly frames?: number;
  /** The sequence stands alone. */
  readonly isBare?: boolean;
  /** Behind the picture. */
  readonly exif?: Buffer;
}

/** The same picture in a file of its own. */
export function avifOf({ config, data }: AvifParts, options: AvifOptions): Buffer {
  const { width, height, properties = [], frames = 0, isBare = false, exif } = options;
  const brands = frames > 0 ? 'avis\0\0\0\0avifavismsf1iso8mif1miaf' : 'avif\0\0\0\0avifmif1miaf';
  const type = box('ftyp', Buffer.from(brands));
  const flags = config[10] ?? 0;
  const depth = (flags & 0x40) === 0 ? 8 : (flags & 0x20) === 0 ? 10 : 12;
  const depths = (flags & 0x10) === 0 ? [3, depth, depth, depth] : [1, depth];
  const all = [
    fullBox('ispe', 0, uint32(width), uint32(height)),
    ...[config, ...properties],
    fullBox('pixi', 0, Buffer.from(depths)),
  ];
  const location = (id: number, start: number, length: number) =>
    Buffer.concat([uint16(id), uint16(0), uint16(1), uint32(start), uint32(length)]);
  const meta = (start: number) =>
    fullBox(
      ...(['meta', 0] as const),
      fullBox('hdlr', 0, uint32(0), Buffer.from('pict'), Buffer.alloc(13)),
      fullBox('pitm', 0, uint16(1)),
      fullBox(
        ...(['iloc', 0, Buffer.from([0x44, 0]), uint16(exif ? 2 : 1)] as const),
        location(1, start, data.length),
        ...(exif ? [location(2, start + data.length, exif.length)] : []),
      ),
      fullBox(
        ...(['iinf', 0, uint16(exif ? 2 : 1), itemInfo(1, 'av01')] as const),
        ...(exif ? [itemInfo(2, 'Exif')] : []),
      ),
      box(
        'iprp',
        box('ipco', ...all),
        fullBox(
          ...(['ipma', 0, uint32(1), uint16(1), Buffer.from([all.length])] as const),
          Buffer.from(all.map((_, index) => 0x80 + index + 1)),
        ),
      ),
      ...(exif ? [fullBox('iref', 0, box('cdsc', uint16(2), uint16(1), uint16(1)))] : []),
    );
  const moov = (start: number) => sequence(options, [config, ...properties], start, data.length);
  const heads = (start: number) => [
    ...(isBare ? [] : [meta(start)]),
    ...(frames > 0 ? [moov(start)] : []),
  ];
  const start = type.length + Buffer.concat(heads(0)).length + 8;
  return Buffer.concat([type, ...heads(start), box('mdat', data, ...(exif ? [exif] : []))]);
}

/** A movie of one track, all samples at the same place. */
function sequence(
  { width, height, frames = 0 }: AvifOptions,
  properties: readonly Buffer[],
  start: number,
  length: number,
): Buffer {
  const matrix = Buffer.concat([1, 0, 0, 0, 1, 0, 0, 0, 0x4000].map((one) => uint32(one << 16)));
  const entry = box(
    'av01',
    ...[Buffer.alloc(6), uint16(1), Buffer.alloc(16), uint16(width), uint16(height)],
    ...[uint32(72 << 16), uint32(72 << 16), uint32(0), uint16(1), Buffer.alloc(32)],
    ...[uint16(24), uint16(0xffff), ...properties],
  );
  const tables = box(
    'stbl',
    fullBox('stsd', 0, uint32(1), entry),
    fullBox('stts', 0, uint32(1), uint32(frames), uint32(1)),
    fullBox('stsc', 0, uint32(1), uint32(1), uint32(1), uint32(1)),
    fullBox('stsz', 0, uint32(length), uint32(frames)),
    fullBox('stco', 0, uint32(frames), ...Array.from({ length: frames }, () => uint32(start))),
  );
  const reference = box(
    'dinf',
    fullBox('dref', 0, uint32(1), box('url ', Buffer.from([0, 0, 0, 1]))),
  );
  const times = [uint32(0), uint32(0), uint32(30), uint32(frames)];
  return box(
    'moov',
    fullBox(
      'mvhd',
      0,
      ...times,
      uint32(0x10000),
      Buffer.alloc(12),
      matrix,
      Buffer.alloc(24),
      uint32(2),
    ),
    box(
      'trak',
      fullBox(
        'tkhd',
        0,
        ...[0, 0, 1, 0, frames].map(uint32),
        Buffer.alloc(16),
        matrix,
        uint32(width << 16),
        uint32(height << 16),
      ),
      box(
        'mdia',
        fullBox('mdhd', 0, ...times, uint32(0)),
        fullBox('hdlr', 0, uint32(0), Buffer.from('pict'), Buffer.alloc(13)),
        box('minf', fullBox('vmhd', 0, Buffer.alloc(8)), reference, tables),
      ),
    ),
  );
}

/** One from sharp with opacity, that says its colours were multiplied by that. */
export function premultiplied(avif: Buffer): Buffer {
  const note = box('prem', uint16(1), uint16(1), uint16(2));
  const references = avif.indexOf('iref') - 4;
  const end = references + avif.readUInt32BE(references);
  const made = Buffer.concat([avif.subarray(0, end), note, avif.subarray(end)]);
  const locations = avif.indexOf('iloc');
  // Lengths of boxes, and where the pictures begin.
  for (const at of [avif.indexOf('meta') - 4, references, locations + 16, locations + 34]) {
    made.writeUInt32BE(avif.readUInt32BE(at) + note.length, at);
  }
  return made;
}
