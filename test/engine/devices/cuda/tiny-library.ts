/**
 * Shared libraries of a few hundred bytes, so that what the dynamic loader says of CUDA's can be
 * tested where there is neither CUDA nor a compiler.
 */

interface Contents {
  /** Sonames of other libraries. */
  readonly needs?: readonly string[];
  /** Among its constants. */
  readonly version?: string;
}

/** A library for linux/x64 without code, that the loader loads if it finds all that it needs. */
export function tinyLibrary({ needs = [], version = '' }: Contents = {}): Buffer {
  const [headerSize, segmentSize, sectionSize] = [64, 56, 64];
  const names = Buffer.from(['', ...needs, ''].join('\0'), 'latin1');
  const offsetOf = (name: string) => names.indexOf(`\0${name}\0`) + 1;
  const symbols = Buffer.alloc(24); // the null symbol alone
  const constants = Buffer.from(`\0${version}\0`, 'latin1');
  const sectionNames = Buffer.from('\0.dynamic\0.dynstr\0.rodata\0.shstrtab\0', 'latin1');

  const at = { names: headerSize + 3 * segmentSize, symbols: 0, constants: 0, dynamic: 0 };
  at.symbols = align(at.names + names.length);
  at.constants = at.symbols + symbols.length;
  at.dynamic = align(at.constants + constants.length);
  const dynamic = words(
    ...needs.flatMap((name) => [1, offsetOf(name)]), // DT_NEEDED
    ...[5, at.names, 10, names.length], // DT_STRTAB, DT_STRSZ
    ...[6, at.symbols, 11, symbols.length], // DT_SYMTAB, DT_SYMENT
    ...[0, 0], // DT_NULL
  );
  const sectionNamesAt = at.dynamic + dynamic.length;
  const sectionsAt = align(sectionNamesAt + sectionNames.length);

  const section = (name: string, offset: number, size: number) => {
    const entry = Buffer.alloc(sectionSize);
    entry.writeUInt32LE(name ? sectionNames.indexOf(`\0${name}\0`) + 1 : 0, 0);
    words(offset, size).copy(entry, 24);
    return entry;
  };
  const sections = [
    section('', 0, 0),
    section('.dynamic', at.dynamic, dynamic.length),
    section('.dynstr', at.names, names.length),
    section('.rodata', at.constants, constants.length),
    section('.shstrtab', sectionNamesAt, sectionNames.length),
  ];

  const file = Buffer.alloc(sectionsAt + sections.length * sectionSize);
  file.write('\x7fELF\x02\x01\x01', 'latin1');
  file.writeUInt16LE(3, 16); // ET_DYN
  file.writeUInt16LE(62, 18); // x86-64
  file.writeUInt32LE(1, 20);
  words(0, headerSize, sectionsAt).copy(file, 24); // entry, segments, sections
  [headerSize, segmentSize, 3, sectionSize, sections.length, sections.length - 1].forEach(
    (value, i) => file.writeUInt16LE(value, 52 + 2 * i),
  );
  const segments: [type: number, offset: number, size: number, alignment: number][] = [
    [1, 0, file.length, 0x1000], // PT_LOAD: all of it
    [2, at.dynamic, dynamic.length, 8], // PT_DYNAMIC
    [0x6474e551, 0, 0, 16], // PT_GNU_STACK: not executable
  ];
  segments.forEach(([type, offset, size, alignment], i) => {
    const place = headerSize + i * segmentSize;
    file.writeUInt32LE(type, place);
    file.writeUInt32LE(6, place + 4); // readable, writable
    words(offset, offset, offset, size, size, alignment).copy(file, place + 8);
  });
  names.copy(file, at.names);
  constants.copy(file, at.constants);
  dynamic.copy(file, at.dynamic);
  sectionNames.copy(file, sectionNamesAt);
  sections.forEach((entry, i) => entry.copy(file, sectionsAt + i * sectionSize));
  return file;
}

const align = (offset: number) => Math.ceil(offset / 8) * 8;

/** As 64 bit little endian. */
function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => bytes.writeBigUInt64LE(BigInt(value), 8 * i));
  return bytes;
}
