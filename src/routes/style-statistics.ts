import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { ServiceError } from '../errors.ts';
import { conditional } from '../http/conditional.ts';
import { picture, problem } from '../http/responses.ts';
import {
  answerRegistered,
  cacheControl,
  checkedId,
  inviteBody,
  mayChange,
  type StylesOptions,
  validatorCompiler,
  workFor,
} from './style-requests.ts';
import {
  away,
  created,
  etag,
  known,
  missing,
  ownId,
  params,
  refusals,
  tags,
} from './style-responses.ts';

const mediaType = 'application/octet-stream';
const headers = {
  ...etag,
  'Model-Digest': { type: 'string', description: 'of the model whose statistics they are' },
};

/** In bytes; the longest have some thousand numbers. */
const bodyLimit = 65_536;

/** GET and PUT /styles/{id}/statistics. */
export const styleStatisticsRoutes: FastifyPluginAsyncZod<StylesOptions> = async (app, options) => {
  const { stylizer, basePath } = options;
  await app.register(conditional);
  app.addHook('onRequest', mayChange(options));
  app.addHook('preParsing', async (request, reply) => {
    inviteBody(request, reply);
  });
  app.addContentTypeParser(
    mediaType,
    { parseAs: 'buffer', bodyLimit },
    (_request, body, parsed) => {
      parsed(null, body);
    },
  );

  app.get(
    '/styles/:id/statistics',
    {
      schema: {
        operationId: 'getStyleStatistics',
        summary: 'What a style is: its statistics',
        description:
          'The means and then the deviations of the features, float32, little endian. PUT them to another instance that has the same model.',
        tags,
        params,
        response: {
          200: { ...picture('The statistics', [mediaType]), headers },
          304: z.null().meta({ description: 'The version of If-None-Match is current', headers }),
          404: missing,
          409: problem('They are known of another model only, and there is no picture'),
          503: away,
          504: problem('The deadline has passed'),
        },
      },
    },
    async (request, reply) => {
      const { library, memory, engine } = stylizer();
      const found = await library.find(request.params.id, request.lifetime.signal);
      cacheControl(reply, found);
      const work = workFor(request, reply, memory);
      const bytes = await work.settle(library.statistics(found.style.id, work));
      return reply.type(mediaType).header('model-digest', engine.model.digest).send(bytes);
    },
  );

  app.put(
    '/styles/:id/statistics',
    {
      validatorCompiler,
      schema: {
        operationId: 'putStyleStatistics',
        summary: 'Register a style by its statistics',
        description: 'As GET of an instance with the same model gives them. It has no picture.',
        tags,
        consumes: [mediaType],
        params: ownId,
        headers: z.object({
          'Model-Digest': z.string().describe('that of the answer that gave them'),
        }),
        body: z.custom<Buffer>().meta({ type: 'string', format: 'binary' }),
        response: {
          200: known,
          201: created,
          ...refusals,
          400: problem('The id or the body is malformed'),
          409: problem('They are of another model, the id is taken, or there is no room'),
          413: problem('Too many bytes'),
          415: problem('Not application/octet-stream'),
        },
      },
    },
    async (request, reply) => {
      const id = checkedId(request.params.id);
      const model = request.headers['model-digest'];
      if (typeof model !== 'string' || !/^[0-9a-f]{64}$/.test(model)) {
        const text =
          'The Model-Digest header is missing or no digest. Send that of the answer that gave the statistics.';
        throw new ServiceError('invalid_value', text, { field: 'Model-Digest' });
      }
      if (!Buffer.isBuffer(request.body)) {
        const text = `Send the statistics as ${mediaType}.`;
        throw new ServiceError('unsupported_media_type', text);
      }
      const { library } = stylizer();
      const registered = await library.registerStatistics(id, request.body, model);
      return answerRegistered(request, reply, registered, basePath);
    },
  );
};
