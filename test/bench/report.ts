/** What a bench has to say, and how it is shown. */
import { availableParallelism, cpus, totalmem } from 'node:os';

export type Row = Readonly<Record<string, string | number>>;

export interface Table {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** A figure that the project promises something about. */
export interface Goal {
  readonly what: string;
  readonly value: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Report {
  readonly tables: readonly Table[];
  readonly goals?: readonly Goal[];
  /** Why there are no figures. */
  readonly skipped?: string;
}

export interface Options {
  /** How often what is compared takes turns. */
  readonly rounds: number;
  /** Requests of the memory bench. */
  readonly requests: number;
  /** Sizes of the large pictures. */
  readonly megapixels: readonly number[];
  /** Of the GPU bench: where, for how long in all, which of its parts, and where the reference's weights are. */
  readonly device: string;
  readonly seconds: number;
  readonly parts: readonly string[] | undefined;
  readonly reference: string;
  /** Of the feed bench: the folder of another checkout, to compare with. */
  readonly against: string | undefined;
  /** Of the feed bench: numbers of processes to compare. */
  readonly processes: readonly number[];
}

export interface Bench {
  readonly name: string;
  /** What is compared with what. */
  readonly summary: string;
  /** @param keep writes down what there is so far, if the run should end before its time */
  readonly run: (options: Options, keep: (report: Report) => Promise<void>) => Promise<Report>;
}

/** What the figures were measured on: ratios travel between machines, milliseconds do not. */
export function machine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: digits(totalmem() / 2 ** 30),
    node: process.version,
  };
}

/** Three significant digits. */
export const digits = (value: number): number => Number(value.toPrecision(3));

/** A report as Markdown, as it stands in README.md. */
export function markdown({ tables, goals = [], skipped }: Report): string {
  const parts = tables.map(({ title, rows }) => `${title}\n\n${markdownTable(rows)}`);
  if (goals.length > 0) parts.push(goals.map(goalLine).join('\n'));
  if (skipped !== undefined) parts.push(`SKIPPED: ${skipped}`);
  return parts.join('\n\n');
}

export const isMet = ({ value, atLeast = -Infinity, atMost = Infinity }: Goal): boolean =>
  value >= atLeast && value <= atMost;

function goalLine(goal: Goal): string {
  const { what, value, atLeast, atMost } = goal;
  const bound = atLeast === undefined ? `at most ${String(atMost)}` : `at least ${atLeast}`;
  return `- ${isMet(goal) ? 'met' : 'MISSED'}: ${what} ${digits(value)} (goal: ${bound})`;
}

function markdownTable(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const cells = [columns, ...rows.map((row) => columns.map((name) => cell(row[name])))];
  const widths = columns.map((_, index) =>
    Math.max(...cells.map((line) => line[index]?.length ?? 0)),
  );
  const [head = '', ...lines] = cells.map(
    (line) => `| ${line.map((text, index) => text.padEnd(widths[index] ?? 0)).join(' | ')} |`,
  );
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [head, rule, ...lines].join('\n');
}

function cell(value: string | number | undefined): string {
  return typeof value === 'number' ? String(digits(value)) : (value ?? '');
}
