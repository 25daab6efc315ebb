import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

import { ServiceError } from '../errors.ts';
import { conditional } from '../http/conditional.ts';
import { favicon } from '../http/documentation.ts';
import { createSharedFiles } from '../http/shared-files.ts';
import { vary } from '../http/vary.ts';
import { version } from '../version.ts';

interface Options {
  /** In front of the path of links. */
  readonly basePath: string;
  /** Without it `/` has the links alone. */
  readonly hasPage: boolean;
}

/** What `npm run build` makes of src/page and src/client, for browsers. */
const built = new URL('../../dist/assets/', import.meta.url);
const examples = new URL('../../models/', import.meta.url);

const mediaTypes: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  jpg: 'image/jpeg',
  js: 'text/javascript; charset=utf-8',
};
const asset = /^(?:(?:page|client)\/[a-z-]+\.(js|css)|examples\/[a-z-]+\.(jpg))$/;

/** Nothing but the page's own is loaded, run or asked; what it paints comes as blobs. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const index = z
  .object({
    name: z.literal('adain-server'),
    version: z.string(),
    links: z.object({
      stylize: z.string(),
      styles: z.string(),
      model: z.string(),
      docs: z.string(),
      openapi: z.string(),
      live: z.string(),
      ready: z.string(),
      metrics: z.string(),
    }),
  })
  .describe('Where everything is');

/** GET /: the page for people, what it loads, and for programs the links. */
export const pageRoutes: FastifyPluginAsyncZod<Options> = async (app, { basePath, hasPage }) => {
  await app.register(conditional); // not @fastify/static's: src/DECISIONS.md
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-cache'); // a version's files go together
  });
  const read = createSharedFiles();

  app.get(
    '/',
    {
      schema: {
        operationId: 'index',
        summary: 'The page for people, or the links of all that there is',
        description: 'HTML where that is accepted and ADAIN_PAGE is on, else JSON.',
        tags: ['operations'],
        response: {
          200: {
            description: 'The page, or the links',
            headers: {
              ETag: { type: 'string', description: 'the version, for If-None-Match' },
              Vary: { type: 'string', description: 'Accept, which chooses between the two' },
            },
            content: {
              'application/json': { schema: index },
              'text/html': { schema: z.string() },
            },
          },
        },
      },
    },
    async (request, reply) => {
      vary(reply, 'Accept');
      const type = request.accepts().type(['application/json', 'text/html']);
      if (!hasPage || type !== 'text/html') return represent(basePath);
      reply.header('content-security-policy', contentSecurityPolicy);
      return reply.type('text/html; charset=utf-8').send(await readPage(basePath));
    },
  );

  if (!hasPage) return;
  app.get<{ Params: { '*': string } }>(
    '/assets/*',
    { schema: { hide: true } },
    async (request, reply) => {
      const name = request.params['*'];
      if (name === 'favicon.svg') return reply.type(favicon.type).send(favicon.content);
      const [, extension, picture] = asset.exec(name) ?? [];
      const mediaType = mediaTypes[extension ?? picture ?? ''];
      if (!mediaType) throw missing();
      const path = fileURLToPath(new URL(name, picture ? examples : built));
      const bytes = await read(path, reply.raw).catch((error: unknown) => {
        throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? missing() : error;
      });
      return reply.type(mediaType).send(bytes);
    },
  );
};

const missing = () => new ServiceError('not_found', 'The page has no file of this name.');

/** With where its links begin, if that is told: a proxy may offer the page with no slash at its end. */
async function readPage(basePath: string): Promise<string> {
  const html = await readFile(new URL('page/index.html', built), 'utf8');
  return basePath ? html.replace('<head>', `<head><base href="${basePath}/" />`) : html;
}

function represent(basePath: string): z.output<typeof index> {
  const at = (path: string) => `${basePath}/${path}`;
  const links = {
    stylize: at('stylize'),
    styles: at('styles'),
    model: at('model'),
    docs: at('docs'),
    openapi: at('openapi.yaml'),
    live: at('livez'),
    ready: at('readyz'),
    metrics: at('metrics'),
  };
  return { name: 'adain-server', version, links };
}
