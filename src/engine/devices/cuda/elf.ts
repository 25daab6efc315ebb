/** The little that must be known of a shared library without loading it: 64 bit little endian ELF. */
import { closeSync, openSync, readSync } from 'node:fs';

interface Section {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/**
 * The libraries that one names as its needs (DT_NEEDED), in the order in which they are loaded.
 * @throws Error when the file is no such library
 */
export function neededLibraries(path: string): string[] {
  const needed = 1n; // DT_NEEDED
  return withFile(path, (read) => {
    const dynamic = readSection(read, path, '.dynamic');
    const names = readSection(read, path, '.dynstr');
    const libraries: string[] = [];
    for (let at = 0; at < dynamic.length; at += 16) {
      if (dynamic.readBigInt64LE(at) !== needed) continue;
      libraries.push(textAt(names, Number(dynamic.readBigUInt64LE(at + 8))));
    }
    return libraries;
  });
}

/**
 * What among the library's constants looks like a version, as in 1.29.0, and nothing else.
 * @throws Error when the file is no such library
 */
export function embeddedVersions(path: string): string[] {
  const constants = withFile(path, (read) => readSection(read, path, '.rodata'));
  const found = constants.toString('latin1').matchAll(/\0(\d{1,3}\.\d{1,3}\.\d{1,3})(?=\0)/g);
  return [...new Set([...found].map(([, version = '']) => version))];
}

type Read = (offset: number, size: number) => Buffer;

function withFile<T>(path: string, use: (read: Read) => T): T {
  const file = openSync(path, 'r');
  try {
    return use((offset, size) => {
      const bytes = Buffer.alloc(size);
      const count = readSync(file, bytes, 0, size, offset);
      if (count < size) throw new Error(`${path} is cut off after ${offset + count} bytes`);
      return bytes;
    });
  } finally {
    closeSync(file);
  }
}

function readSection(read: Read, path: string, name: string): Buffer {
  const section = readSections(read, path).find((one) => one.name === name);
  return section ? read(section.offset, section.size) : Buffer.alloc(0);
}

function readSections(read: Read, path: string): Section[] {
  const header = read(0, 64);
  const magic = '\x7fELF\x02\x01'; // 64 bit, little endian
  if (header.toString('latin1', 0, 6) !== magic) throw new Error(`${path} is no ELF library`);
  const [size, count, namesIndex] = [58, 60, 62].map((at) => header.readUInt16LE(at));
  const table = read(Number(header.readBigUInt64LE(40)), (size ?? 0) * (count ?? 0));
  const sections = Array.from({ length: count ?? 0 }, (_, i) => {
    const entry = table.subarray(i * (size ?? 0), (i + 1) * (size ?? 0));
    return {
      nameAt: entry.readUInt32LE(0),
      offset: Number(entry.readBigUInt64LE(24)),
      size: Number(entry.readBigUInt64LE(32)),
    };
  });
  const { offset = 0, size: length = 0 } = sections[namesIndex ?? 0] ?? {};
  const names = read(offset, length);
  return sections.map(({ nameAt, ...place }) => ({ name: textAt(names, nameAt), ...place }));
}

function textAt(bytes: Buffer, start: number): string {
  return bytes.toString('latin1', start, bytes.indexOf(0, start));
}
