import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';

import type { Engine } from '../engine/index.ts';
import { ServiceError } from '../errors.ts';
import { isForeign } from '../http/cross-origin.ts';
import { onEnd } from '../http/on-end.ts';
import type { MemoryBudget } from '../memory-budget.ts';
import { printable } from '../printable.ts';
import { styleIdOf, styleIdPattern } from '../stylization/catalog.ts';
import type { KnownStyle, Library, Registered, Work } from '../stylization/library.ts';
import { asRegistered, represent } from './style-documents.ts';

/** What the routes of styles have in common. */
export interface StylesOptions {
  /** Throws `not_ready` while the presets are read. */
  readonly stylizer: () => {
    readonly library: Library;
    readonly memory: MemoryBudget;
    readonly engine: Pick<Engine, 'model' | 'assertOpen'>;
  };
  /** In front of the path of links. */
  readonly basePath: string;
  /** Whether styles can be changed. */
  readonly isWritable: boolean;
  /** Whose pages may change them beside those of the service's own. */
  readonly origins: readonly string[];
}

/** Whatever is asked for is checked where it is used. */
export const validatorCompiler = () => (value: unknown) => ({ value });

/** What a request may use, until its answer is out or given up and what it started has ended. */
export interface CountedWork extends Work {
  /** Of that the request has started `work`. */
  readonly settle: <T>(work: Promise<T>) => Promise<T>;
}

export function workFor(
  { lifetime }: FastifyRequest,
  reply: FastifyReply,
  budget: MemoryBudget,
): CountedWork {
  const memory = budget.forRequest();
  let working: Promise<unknown> = Promise.resolve();
  onEnd(reply.raw, () => void working.catch(() => undefined).then(memory.release));
  return {
    ...{ memory, signal: lifetime.signal, deadline: lifetime.deadline },
    settle(work) {
      working = work;
      return work;
    },
  };
}

/** Presets change seldom, all others at any time. */
export function cacheControl(reply: FastifyReply, { kind }: KnownStyle): void {
  reply.header('cache-control', kind === 'preset' ? 'public, max-age=300' : 'no-cache');
}

/** Lets only those change styles who may. A form can be sent by any page of any origin, unasked. */
export function mayChange({ isWritable, origins }: StylesOptions): onRequestHookHandler {
  return (request, _reply, next) => {
    if (request.method === 'GET' || request.method === 'HEAD') next();
    else if (!isWritable) {
      const text = 'Styles can be read here and not changed (ADAIN_STYLES_WRITABLE).';
      next(new ServiceError('read_only', text));
    } else if (isForeign(request, origins)) {
      const text = `Pages of ${printable(String(request.headers.origin))} may not change styles; those of ADAIN_CORS_ORIGINS may.`;
      next(new ServiceError('read_only', text, { field: 'Origin' }));
    } else next();
  };
}

/** For bodies that are no forms, which are read before the handler is called. */
export const inviteBody = (request: FastifyRequest, reply: FastifyReply) => {
  const asks = request.headers.expect !== undefined && request.raw.httpVersionMinor > 0;
  if (asks && !request.isMultipart()) reply.raw.writeContinue();
};

/** @throws ServiceError `invalid_value` for what can be no id */
export function checkedId(id: string): string {
  if (styleIdPattern.test(id)) return id;
  const meant = styleIdOf(id);
  const hint = meant ? ` Did you mean ${meant}?` : '';
  const text = `The id is ${printable(id)}; it takes lower-case letters, digits and hyphens, 80 at most, and no hyphen in front.${hint}`;
  throw new ServiceError('invalid_value', text, { field: 'id' });
}

/** Of a style that was registered: 201 if it is new. */
export function answerRegistered(
  request: FastifyRequest,
  reply: FastifyReply,
  { style, isNew }: Registered,
  basePath: string,
) {
  request.logFields = { ...request.logFields, style: style.id };
  const document = represent(asRegistered(style), basePath);
  return reply
    .code(isNew ? 201 : 200)
    .header('location', document.links.self)
    .send(document);
}
