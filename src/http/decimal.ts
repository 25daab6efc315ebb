/** Each digit has one place in it: the time is linear, whatever comes. */
const pattern = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** The number that a text writes in decimal digits, else NaN: `Number` takes '' for 0, and hex. */
export function decimal(text: string): number {
  return pattern.test(text) ? Number(text) : NaN;
}
