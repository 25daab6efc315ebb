import { readFile } from 'node:fs/promises';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { ServiceError } from '../errors.ts';
import { conditional } from '../http/conditional.ts';
import { picture, problem, unavailable } from '../http/responses.ts';
import { createSharedFiles } from '../http/shared-files.ts';
import { thumbnail } from '../imaging/thumbnail.ts';
import { printable } from '../printable.ts';
import type { Catalog, Preset } from '../stylization/catalog.ts';

const style = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    license: z.string(),
    width: z.int(),
    height: z.int(),
    links: z.object({ self: z.string(), image: z.string(), thumbnail: z.string() }),
  })
  .meta({ id: 'Style' });

const params = z.object({ id: z.string() });
const missing = problem('No such style');
const starting = unavailable('The service is starting');
const headers = { ETag: { type: 'string', description: 'the version, for If-None-Match' } };
const unchanged = z
  .null()
  .meta({ description: 'The version of If-None-Match is current', headers });

interface Options {
  /** Throws `not_ready` while the presets are read. */
  readonly catalog: () => Catalog;
  /** In front of the path of links. */
  readonly basePath: string;
}

/** GET /styles, /styles/{id}, and its pictures. */
export const stylesRoutes: FastifyPluginAsyncZod<Options> = async (app, { catalog, basePath }) => {
  await app.register(conditional); // not @fastify/static's: src/DECISIONS.md
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'public, max-age=300'); // unless it becomes a problem
  });

  const read = createSharedFiles();
  const find = (id: string): Preset => {
    const preset = catalog().get(id);
    if (preset) return preset;
    const text = `There is no preset ${printable(id)}. GET /styles lists them.`;
    throw new ServiceError('unknown_style', text, { field: 'id' });
  };

  app.get(
    '/styles',
    {
      schema: {
        operationId: 'listStyles',
        summary: 'The presets',
        tags: ['styles'],
        response: {
          200: z.object({ styles: z.array(style) }).meta({ description: 'All presets', headers }),
          304: unchanged,
          503: starting,
        },
      },
    },
    () => ({ styles: [...catalog().values()].map((preset) => represent(preset, basePath)) }),
  );

  app.get(
    '/styles/:id',
    {
      schema: {
        operationId: 'getStyle',
        summary: 'One preset',
        tags: ['styles'],
        params,
        response: {
          200: style.meta({ description: 'The preset', headers }),
          304: unchanged,
          404: missing,
          503: starting,
        },
      },
    },
    (request) => represent(find(request.params.id), basePath),
  );

  app.get(
    '/styles/:id/image',
    {
      schema: {
        operationId: 'getStyleImage',
        summary: "A preset's picture",
        tags: ['styles'],
        params,
        response: {
          200: { ...picture('The picture', ['image/*']), headers },
          304: unchanged,
          404: missing,
          503: starting,
        },
      },
    },
    async (request, reply) => {
      const { mediaType, path } = find(request.params.id);
      return reply.type(mediaType).send(await read(path, reply.raw));
    },
  );

  const made = new Map<string, Promise<Buffer>>();
  const thumbnailOf = ({ id, path }: Preset): Promise<Buffer> => {
    const known = made.get(id);
    if (known) return known;
    const pending = readFile(path).then(thumbnail);
    made.set(id, pending);
    pending.catch(() => made.delete(id)); // the next request tries again
    return pending;
  };

  app.get(
    '/styles/:id/thumbnail',
    {
      schema: {
        operationId: 'getStyleThumbnail',
        summary: "A preset's picture, small",
        tags: ['styles'],
        params,
        response: {
          200: { ...picture('At most 256 pixels a side', ['image/webp']), headers },
          304: unchanged,
          404: missing,
          503: starting,
        },
      },
    },
    async (request, reply) =>
      reply.type('image/webp').send(await thumbnailOf(find(request.params.id))),
  );
};

function represent(preset: Preset, basePath: string) {
  const { id, name, description, license, width, height } = preset;
  const self = `${basePath}/styles/${id}`;
  const links = { self, image: `${self}/image`, thumbnail: `${self}/thumbnail` };
  return { id, name, description, license, width, height, links };
}
