import { z } from 'zod';

import { ServiceError } from '../errors.ts';
import { decimal } from '../http/decimal.ts';
import { printable } from '../printable.ts';
import { styleIdPattern } from '../stylization/catalog.ts';
import type { Library } from '../stylization/library.ts';
import { asPreset, asRegistered, represent, type StyleDocument } from './style-documents.ts';

const mostListed = 1000;
const limitTaken = `a whole number from 1 to ${mostListed}`;
const number = z.int({ error: limitTaken }).min(1, { error: limitTaken });

/** The query of GET /styles. */
export const pageQuery = z.object({
  limit: number.max(mostListed, { error: limitTaken }).default(100).describe('styles of a page'),
  after: z
    .string()
    .regex(styleIdPattern, 'a style id')
    .optional()
    .describe('the id behind which the page begins'),
  kind: z
    .enum(['preset', 'registered'], { error: 'preset or registered' })
    .optional()
    .describe('only these; both if absent'),
});

interface Listed {
  readonly styles: StyleDocument[];
  readonly isPartial: boolean;
  readonly links: { readonly next?: string };
}

/** @throws ServiceError `invalid_value`; `store_unavailable` for a page that has no preset */
export async function listPage(
  library: Library,
  query: unknown,
  basePath: string,
): Promise<Listed> {
  const { limit, after, kind } = parseQuery(query);
  const ids = [...library.presets.keys()];
  const place = after === undefined ? -1 : ids.indexOf(after);
  const isPastPresets = kind === 'registered' || (after !== undefined && place < 0);
  const presets = isPastPresets ? [] : [...library.presets.values()].slice(place + 1);
  const styles = presets.slice(0, limit).map((preset) => represent(asPreset(preset), basePath));

  let last = presets.length > limit ? styles.at(-1)?.id : undefined;
  let isPartial = false;
  if (last === undefined && kind !== 'preset') {
    const room = limit - styles.length;
    const from = isPastPresets ? (after ?? '') : '';
    const page = await library.list(from, Math.max(room, 1)).catch((error: unknown) => {
      if (styles.length === 0) throw error;
      return undefined;
    });
    isPartial = page === undefined;
    const isFull = room === 0 && (page?.styles.length ?? 0) > 0;
    last = isFull ? styles.at(-1)?.id : page?.last;
    for (const style of page?.styles.slice(0, room) ?? []) {
      styles.push(represent(asRegistered(style), basePath));
    }
  }
  const next = last && `${basePath}/styles?${nextQuery(limit, last, kind)}`;
  return { styles, isPartial, links: next ? { next } : {} };
}

function nextQuery(limit: number, after: string, kind: string | undefined): string {
  return new URLSearchParams({ limit: String(limit), after, ...(kind && { kind }) }).toString();
}

function parseQuery(query: unknown) {
  const { limit, ...given } = query as Record<string, string | string[]>;
  const raw = limit === undefined ? given : { ...given, limit: decimal(limit.toString()) };
  const parsed = pageQuery.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0]);
  const value = printable(String((query as Record<string, unknown>)[name]));
  const text = `The parameter ${name} is ${value}; it takes ${issue?.message ?? ''}.`;
  throw new ServiceError('invalid_value', text, { field: name });
}
