import { parseArgs } from 'node:util';

import { nearest } from '../nearest.ts';

/** The command line is wrong, and has to be mended: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Of a file or folder that the command line names. */
export function cannotRead(what: string, cause: unknown, remedy = ''): UsageError {
  const { code = '' } = cause as NodeJS.ErrnoException;
  return new UsageError(`${what} cannot be read (${code}).${remedy && ` ${remedy}`}`, { cause });
}

/** Of what `--out` names; where another would fare no better, the error as it is. */
export function cannotWrite(out: string, cause: unknown): unknown {
  const { code = '' } = cause as NodeJS.ErrnoException;
  if (!ofPlace.has(code)) return cause;
  return new UsageError(`--out is ${out}, which cannot be written (${code}). Choose another.`, {
    cause,
  });
}
const ofPlace = new Set([
  ...['EACCES', 'EEXIST', 'EILSEQ', 'EINVAL', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'ENOENT'],
  ...['ENOTDIR', 'ENOTEMPTY', 'EPERM', 'EROFS'],
]);

/** By the option's name: what its value is, and what `--help` says of it. */
export type Options = Readonly<Record<string, { readonly value: string; readonly about: string }>>;

export interface Arguments {
  /** Each option's values, in their order; of one that is not there none. */
  readonly all: (name: string) => readonly string[];
  /** Throws UsageError if it is there twice. */
  readonly one: (name: string) => string | undefined;
  readonly required: (name: string) => string;
  readonly positionals: readonly string[];
}

/** @throws UsageError that names the option and the remedy */
export function readArguments(args: readonly string[], options: Options): Arguments {
  const types = Object.keys(options).map((name) => [name, { type: 'string' }] as const);
  const config = { args: [...args], options: Object.fromEntries(types), strict: false };
  const { tokens } = parseArgs({ ...config, allowPositionals: true, tokens: true });
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    if (!(name in options)) throw unknown(rawName, options);
    if (value === undefined || (value.startsWith('--') && !token.inlineValue)) {
      throw new UsageError(`--${name} has no value; it takes ${options[name]?.value}.`);
    }
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  const all = (name: string) => values.get(name) ?? [];
  const one = (name: string) => {
    const [value, second] = all(name);
    if (second !== undefined) throw new UsageError(`--${name} is there twice; give it once.`);
    return value;
  };
  const required = (name: string) => {
    const value = one(name);
    if (value) return value;
    throw new UsageError(`--${name} is missing; it takes ${options[name]?.value}.`);
  };
  return { all, one, required, positionals };
}

function unknown(given: string, options: Options): UsageError {
  const meant = nearest(given.replace(/^-+/, ''), Object.keys(options));
  const known = Object.keys(options).map((name) => `--${name}`);
  const remedy = meant ? `Did you mean --${meant}?` : `There are ${known.join(', ')} and --help.`;
  return new UsageError(`There is no option ${given}. ${remedy}`);
}

/** @throws UsageError for anything but a whole number from 1 to `most` */
export function wholeOption(name: string, text: string, most: number): number {
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= most) return Number(text);
  throw new UsageError(`--${name} is "${text}"; it takes a whole number from 1 to ${most}.`);
}

const indent = 26;
const rowEnd = 98;

/** The rows of `--help`. */
export function describeOptions(options: Options): string {
  const rows = Object.entries(options).map(([name, { value, about }]) => {
    const lines = about.match(new RegExp(`\\S.{0,${rowEnd - indent - 1}}(?= |$)`, 'g')) ?? [];
    return `  ${`--${name} ${value}`.padEnd(indent - 2)}${lines.join(`\n${' '.repeat(indent)}`)}`;
  });
  return rows.join('\n');
}
