import type { Readable } from 'node:stream';

/**
 * Counts the parts of a form as they come. The parser passes over a part that it finds no name in,
 * headers that it cannot read included, and what was asked for there would be left undone without a word.
 * @param boundary as the Content-Type header has it
 */
export function countParts(form: Readable, boundary: string) {
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  let parts = 0;
  let rest = Buffer.from('\r\n'); // a form may begin with its first part
  const count = (chunk: Buffer) => {
    const bytes = Buffer.concat([rest, chunk]);
    // Two dashes behind the last one say that it is that.
    const end = bytes.length - delimiter.length - 2;
    let from = 0;
    for (;;) {
      const at = bytes.indexOf(delimiter, from);
      if (at < 0 || at > end) break;
      from = at + delimiter.length;
      if (bytes.toString('latin1', from, from + 2) !== '--') parts++;
    }
    rest = bytes.subarray(Math.max(from, end + 1));
  };
  form.on('data', count);
  return {
    /** How many have come so far. */
    get begun() {
      return parts;
    },
    /** What is not read any more is not to be counted either. */
    end: () => form.off('data', count),
  };
}
