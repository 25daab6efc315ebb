/** numpy's archives, as far as `np.savez` writes float32 arrays: npy files in a zip, stored. */
export interface FloatArray {
  readonly shape: readonly number[];
  /** Little-endian float32, in C order. */
  readonly bytes: Uint8Array;
}

/** @throws Error when the archive is compressed or an array is of another kind */
export function readNpz(file: Buffer): Map<string, FloatArray> {
  const end = file.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  if (end < 0) throw new Error('not a zip file');
  const arrays = new Map<string, FloatArray>();
  let at = file.readUInt32LE(end + 16); // the central directory
  for (let left = file.readUInt16LE(end + 10); left > 0; left--) {
    const [method, size] = [file.readUInt16LE(at + 10), file.readUInt32LE(at + 24)];
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) =>
      file.readUInt16LE(at + offset),
    ) as [number, number, number];
    const name = file.toString('utf8', at + 46, at + 46 + nameLength);
    if (method !== 0) throw new Error(`${name} is compressed`);
    const local = file.readUInt32LE(at + 42);
    const data = local + 30 + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28);
    arrays.set(name.replace(/\.npy$/, ''), readNpy(file.subarray(data, data + size)));
    at += 46 + nameLength + extraLength + commentLength;
  }
  return arrays;
}

/** Version 1: magic, version, length of the header, a Python dictionary, the numbers. */
function readNpy(file: Buffer): FloatArray {
  const start = 10 + file.readUInt16LE(8);
  const header = file.toString('latin1', 10, start);
  const shape = /'descr': '<f4', 'fortran_order': False, 'shape': \(([\d, ]*)\)/.exec(header)?.[1];
  if (shape === undefined) throw new Error(`not an array of float32: ${header}`);
  return {
    shape: shape
      .split(',')
      .filter((text) => text.trim() !== '')
      .map(Number),
    bytes: file.subarray(start),
  };
}
