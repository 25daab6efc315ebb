/**
 * The candidate that a misspelt text was probably meant to be, upper and lower case being alike.
 * @returns undefined if each differs in more than a third of its letters (one, of a short one)
 */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  for (const candidate of candidates) {
    const limit = Math.max(1, Math.floor(candidate.length / 3));
    if (Math.abs(candidate.length - text.length) > limit) continue; // texts may be very long
    const edits = editDistance(text.toLowerCase(), candidate.toLowerCase());
    if (edits <= limit && edits < least) [best, least] = [candidate, edits];
  }
  return best;
}

/** How many letters must be added, left out, replaced, or swapped with the next, to get from a to b. */
function editDistance(a: string, b: string): number {
  let [before, row]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped =
        a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(before, j - 2) + 1 : Infinity;
      next.push(Math.min(at(row, j) + 1, at(next, j - 1) + 1, replaced, swapped));
    }
    [before, row] = [row, next];
  }
  return at(row, b.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? Infinity;
