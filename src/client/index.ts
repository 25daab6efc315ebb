/** A client for Node and browsers: fetch, with the service's types, and patience. */
import type { components, paths } from './api.ts';
import { paintingForm, styleForm, type NewStyle, type Painting } from './forms.ts';
import { send, type CallOptions } from './send.ts';

export type { NewStyle, Painting } from './forms.ts';
export { ProblemError, type Problem } from './problem.ts';
export type { CallOptions, Progress } from './send.ts';
export type Style = components['schemas']['Style'];
export type Model = components['schemas']['Model'];
export type StylesQuery = NonNullable<paths['/styles']['get']['parameters']['query']>;
type StylesPage = paths['/styles']['get']['responses'][200]['content']['application/json'];

export interface Painted {
  /** With its media type. */
  readonly picture: Blob;
  /** Of the styles used, in their order; an uploaded style's is good for as long as it is remembered. */
  readonly styleIds: readonly string[];
  /** Milliseconds by stage, as Server-Timing has them. */
  readonly timings: Readonly<Record<string, number>>;
}

/** All calls wait and try again while the service is overloaded, restarts or does not answer. */
export interface AdainClient {
  stylize(painting: Painting, options?: CallOptions): Promise<Painted>;
  /** All pages one after the other; an iteration that is left asks for no more. */
  styles(query?: StylesQuery, options?: CallOptions): AsyncGenerator<Style, void>;
  registerStyle(style: NewStyle, options?: CallOptions): Promise<Style>;
  deleteStyle(id: string, options?: CallOptions): Promise<void>;
  model(options?: CallOptions): Promise<Model>;
}

/** @param baseUrl where the service is, with its base path if it has one */
export function createClient(
  baseUrl: string,
  { fetch = globalThis.fetch.bind(globalThis) }: { readonly fetch?: typeof globalThis.fetch } = {},
): AdainClient {
  const base = baseUrl.replace(/\/*$/, '/');
  const call = (path: string, init: Parameters<typeof send>[2], options: CallOptions = {}) =>
    send(fetch, base + path, init, options);
  const read = async <T>(...args: Parameters<typeof call>) => {
    const { body } = await call(...args);
    return JSON.parse(await body.text()) as T;
  };
  return {
    async stylize(painting, options) {
      const init = { method: 'POST', body: paintingForm(painting) };
      const { headers, body } = await call('stylize', init, options);
      const styleIds = (headers.get('style-id') ?? '').split(',').map((id) => id.trim());
      return { picture: body, styleIds, timings: parseTimings(headers.get('server-timing') ?? '') };
    },
    async *styles(query = {}, options) {
      let search = new URLSearchParams(
        Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
      ).toString();
      for (;;) {
        const page = await read<StylesPage>(`styles?${search}`, {}, options);
        yield* page.styles;
        const [, next] = page.links.next?.split('?') ?? [];
        if (next === undefined) return;
        search = next;
      }
    },
    registerStyle({ id, ...style }, options) {
      const body = styleForm(style);
      if (id === undefined) return read('styles', { method: 'POST', body }, options);
      return read(stylePath(id), { method: 'PUT', body }, options);
    },
    async deleteStyle(id, options) {
      await call(stylePath(id), { method: 'DELETE' }, options);
    },
    model: (options) => read('model', {}, options),
  };
}

const stylePath = (id: string) => `styles/${encodeURIComponent(id)}`;

function parseTimings(header: string): Record<string, number> {
  const entries = [...header.matchAll(/([\w-]+)[^,]*?;\s*dur=([\d.]+)/g)];
  return Object.fromEntries(entries.map(([, name = '', ms]) => [name, Number(ms)]));
}
