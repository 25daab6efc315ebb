/** More would bury what is said about it. */
const longest = 40;

/** A text with whatever does not show, turns the line or ends it escaped, as JSON would. */
export function escaped(text: string): string {
  return text.replaceAll(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (found) => `\\u${(found.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** The beginning of a text that came from outside, if it is long. */
export function shortened(text: string, most = longest): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** A text that came from outside in quotes, short and escaped. */
export function printable(text: string): string {
  return `"${escaped(shortened(text).replaceAll(/["\\]/g, '\\$&'))}"`;
}
