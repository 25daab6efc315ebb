/** More would bury what is said about it. */
const longest = 40;

/** A text that came from outside in quotes, short, with whatever does not show or turns the line escaped. */
export function printable(text: string): string {
  const short = text.length > longest ? `${text.slice(0, longest)}…` : text;
  const escaped = short.replaceAll(/[\p{C}\p{Zl}\p{Zp}"\\]/gu, (found) =>
    found === '"' || found === '\\'
      ? `\\${found}`
      : `\\u${(found.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}
