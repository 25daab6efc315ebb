import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';

import { ServiceError } from '../errors.ts';
import { conditional } from '../http/conditional.ts';
import { picture, problem } from '../http/responses.ts';
import type { KnownStyle } from '../stylization/library.ts';
import { represent, styleDocument } from './style-documents.ts';
import { listPage, pageQuery } from './style-pages.ts';
import { createStylePictures, type Small, versionOf } from './style-pictures.ts';
import { cacheControl, type StylesOptions, validatorCompiler } from './style-requests.ts';
import { away, etag, missing, params, tags, tooLarge, unchanged } from './style-responses.ts';

/** GET /styles, /styles/{id} and its pictures. */
export const stylesRoutes: FastifyPluginAsyncZod<StylesOptions> = async (app, options) => {
  const { stylizer, basePath } = options;
  await app.register(conditional); // not @fastify/static's: src/DECISIONS.md
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-cache'); // unless it is a preset's, or becomes a problem
  });
  const find = ({ params, lifetime }: FastifyRequest<{ Params: { id: string } }>) =>
    stylizer().library.find(params.id, lifetime.signal);

  /** Looks a style up, and once more where `read` finds that it has just been replaced. */
  async function findAndRead<T>(
    request: FastifyRequest<{ Params: { id: string } }>,
    read: (found: KnownStyle) => Promise<T | undefined>,
  ): Promise<T> {
    const seen = (await read(await find(request))) ?? (await read(await find(request)));
    if (seen !== undefined) return seen;
    const text = `The style ${request.params.id} has just been replaced again. Send the request again.`;
    throw new ServiceError('unknown_style', text, { field: 'id' });
  }

  app.get(
    '/styles',
    {
      validatorCompiler,
      schema: {
        operationId: 'listStyles',
        summary: 'Presets and registered styles',
        description:
          'Presets first, then registered styles in the order of their ids. Where the store of styles does not answer, the presets are listed all the same, and `isPartial` is true.',
        tags,
        querystring: pageQuery,
        response: {
          200: z
            .object({
              styles: z.array(styleDocument),
              isPartial: z.boolean().describe('whether registered styles are missing'),
              links: z.object({ next: z.string().optional().describe('the next page') }),
            })
            .meta({ description: 'A page of styles', headers: etag }),
          304: unchanged,
          400: problem('A parameter has a wrong value'),
          503: away,
        },
      },
    },
    (request) => listPage(stylizer().library, request.query, basePath),
  );

  app.get(
    '/styles/:id',
    {
      schema: {
        operationId: 'getStyle',
        summary: 'One style',
        description: 'For every id that `styleId` takes, uploads that are still known included.',
        tags,
        params,
        response: {
          200: styleDocument.meta({ description: 'The style', headers: etag }),
          304: unchanged,
          404: missing,
          503: away,
        },
      },
    },
    async (request, reply) => {
      const found = await find(request);
      cacheControl(reply, found);
      return represent(found, basePath);
    },
  );

  const pictures = createStylePictures(stylizer);
  app.get(
    '/styles/:id/image',
    {
      schema: {
        operationId: 'getStyleImage',
        summary: "A style's picture",
        description:
          'Of a registered style the picture as it was described, as PNG: scaled down, upright, without metadata.',
        tags,
        params,
        response: {
          200: { ...picture('The picture', ['image/*']), headers: etag },
          304: unchanged,
          404: missing,
          422: tooLarge,
          503: away,
        },
      },
    },
    async (request, reply) => {
      const bytes = await findAndRead(request, (found) => {
        cacheControl(reply, found);
        reply.type(found.kind === 'preset' ? found.style.mediaType : 'image/png');
        return pictures.whole(request, reply, found);
      });
      return reply.send(bytes);
    },
  );

  // Of 10 KB each. A gallery asks for all in turn: one fewer than there are would keep none of them.
  const thumbnails = new LRUCache<string, Promise<Buffer>>({ max: 3000 });
  async function thumbnailOf(
    found: KnownStyle,
    open: () => Promise<Small | undefined>,
  ): Promise<Buffer | undefined> {
    const keyOf = (version: string) => `${found.style.id}@${version}`;
    const known = thumbnails.get(keyOf(versionOf(found)));
    if (known) return known;
    // Each reads for itself: one whose client goes away must not take others with it.
    const small = await open();
    if (!small) return undefined;
    const key = keyOf(small.version);
    const others = thumbnails.get(key);
    if (others) {
      small.release();
      return others;
    }
    const pending = small.make();
    thumbnails.set(key, pending);
    pending.catch(() => thumbnails.delete(key)); // the next request tries again
    return pending;
  }

  app.get(
    '/styles/:id/thumbnail',
    {
      schema: {
        operationId: 'getStyleThumbnail',
        summary: "A style's picture, small",
        tags,
        params,
        response: {
          200: { ...picture('At most 256 pixels a side', ['image/webp']), headers: etag },
          304: unchanged,
          404: missing,
          422: tooLarge,
          503: away,
        },
      },
    },
    async (request, reply) => {
      const made = await findAndRead(request, (found) => {
        cacheControl(reply, found);
        return thumbnailOf(found, () => pictures.openSmall(request, reply, found));
      });
      return reply.type('image/webp').send(made);
    },
  );
};
