import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { abortable } from '../abortable.ts';
import { ServiceError } from '../errors.ts';
import { readForm } from '../http/read-form.ts';
import { problem, unavailable } from '../http/responses.ts';
import { printable } from '../printable.ts';
import { styleIdOf, styleIdPattern } from '../stylization/catalog.ts';
import type { Registered } from '../stylization/library.ts';
import { asRegistered, represent, styleDocument } from './style-documents.ts';
import { parseStyleForm, parseTexts, styleForm, styleTexts } from './style-form.ts';
import { type StylesOptions, validatorCompiler, workFor } from './styles.ts';

interface Options extends StylesOptions {
  readonly isWritable: boolean;
  readonly maxUploadBytes: number;
}

const tags = ['styles'];
const params = z.object({
  id: z
    .string()
    .regex(styleIdPattern)
    .describe('lower-case letters, digits and hyphens, 80 at most; no hyphen in front'),
});
const location = { Location: { type: 'string', description: 'where the style is' } };
const created = styleDocument.meta({ description: 'It is registered', headers: location });
const refusals = {
  403: problem('Styles cannot be changed here'),
  503: unavailable('Overloaded, starting, closing, or the store of styles does not answer'),
};
const formRefusals = {
  ...refusals,
  400: problem('The form or the id is malformed, or a field has a wrong value'),
  408: problem('The form did not come in time'),
  409: problem('The id is taken, or there is no room for more styles'),
  413: problem('Too many bytes, sent or to be kept'),
  415: problem('Not a form, or not a picture of a kind we take'),
  422: problem('The picture is damaged, lacks pixels, is too small or takes too much work'),
  504: problem('The deadline has passed'),
};

/** Texts and statistics are short. */
const bodyLimit = 65_536;

/** POST /styles; PUT, PATCH and DELETE /styles/{id}; PUT /styles/{id}/statistics. */
export const registerStylesRoutes: FastifyPluginCallbackZod<Options> = (app, options, done) => {
  const { stylizer, basePath, isWritable, maxUploadBytes } = options;

  const parseJson = app.getDefaultJsonParser('error', 'error');
  const jsonTypes = ['application/json', 'application/merge-patch+json'];
  app.addContentTypeParser(jsonTypes, { parseAs: 'string', bodyLimit }, parseJson);
  const binary = { parseAs: 'buffer', bodyLimit } as const;
  app.addContentTypeParser('application/octet-stream', binary, (_request, body, parsed) => {
    parsed(null, body);
  });
  app.addHook('onRequest', (_request, _reply, next) => {
    const text = 'Styles can be read here and not changed (ADAIN_STYLES_WRITABLE).';
    next(isWritable ? undefined : new ServiceError('read_only', text));
  });
  // Unlike a form, these bodies are read before the handler is called.
  app.addHook('preParsing', (request, reply, _payload, next) => {
    const asks = request.headers.expect !== undefined && request.raw.httpVersionMinor > 0;
    if (asks && !request.isMultipart()) reply.raw.writeContinue();
    next();
  });

  function answer(request: FastifyRequest, reply: FastifyReply, { style, isNew }: Registered) {
    request.logFields = { ...request.logFields, style: style.id };
    const document = represent(asRegistered(style), basePath);
    return reply
      .code(isNew ? 201 : 200)
      .header('location', document.links.self)
      .send(document);
  }

  async function register(request: FastifyRequest, reply: FastifyReply, id?: string) {
    const { library, memory, engine } = stylizer();
    if (id !== undefined) library.assertFree(id);
    const work = workFor(request, reply, memory);
    const registering = async () => {
      engine.assertOpen(work);
      const parts = await readForm(request, reply, maxUploadBytes, work);
      work.signal.throwIfAborted();
      const { image, texts } = parseStyleForm(parts);
      request.logFields = { imageBytes: image.length };
      return library.register(id, image, texts, work);
    };
    return abortable(work.signal, work.settle(registering()));
  }

  app.post(
    '/styles',
    {
      validatorCompiler,
      schema: {
        operationId: 'registerStyle',
        summary: 'Register a picture as a style',
        description:
          'Its id is that of its pixels: the same picture again is the same style, and keeps the texts that it has.',
        tags,
        consumes: ['multipart/form-data'],
        body: styleForm,
        response: {
          200: styleDocument.meta({ description: 'It was there already', headers: location }),
          201: created,
          ...formRefusals,
        },
      },
    },
    async (request, reply) => answer(request, reply, await register(request, reply)),
  );

  app.put(
    '/styles/:id',
    {
      validatorCompiler,
      schema: {
        operationId: 'putStyle',
        summary: 'Register a picture as a style under an id of your own',
        description: 'In place of the style that had this id; presets stay.',
        tags,
        consumes: ['multipart/form-data'],
        params,
        body: styleForm,
        response: {
          200: styleDocument.meta({ description: 'It is replaced', headers: location }),
          201: created,
          ...formRefusals,
        },
      },
    },
    async (request, reply) => {
      const id = checked(request.params.id);
      return answer(request, reply, await register(request, reply, id));
    },
  );

  app.patch(
    '/styles/:id',
    {
      validatorCompiler,
      schema: {
        operationId: 'patchStyle',
        summary: "Change a registered style's texts",
        tags,
        consumes: jsonTypes,
        params,
        body: styleTexts,
        response: {
          200: styleDocument.meta({ description: 'The style' }),
          ...refusals,
          400: problem('The body is malformed, or a field has a wrong value'),
          404: problem('No such style'),
          409: problem('It is a preset'),
          413: problem('Too many bytes'),
          415: problem('Not JSON'),
        },
      },
    },
    async (request) => {
      const texts = parseTexts(request.body);
      request.logFields = { style: request.params.id };
      const style = await stylizer().library.setTexts(request.params.id, texts);
      return represent(asRegistered(style), basePath);
    },
  );

  app.delete(
    '/styles/:id',
    {
      validatorCompiler,
      schema: {
        operationId: 'deleteStyle',
        summary: 'Delete a registered style',
        tags,
        params,
        response: {
          204: z.null().meta({ description: 'It is gone' }),
          ...refusals,
          404: problem('No such style'),
          409: problem('It is a preset'),
        },
      },
    },
    async (request, reply) => {
      request.logFields = { style: request.params.id };
      await stylizer().library.delete(request.params.id);
      return reply.code(204).send(null);
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
        consumes: ['application/octet-stream'],
        params,
        headers: z.object({
          'Model-Digest': z.string().describe('that of the answer that gave them'),
        }),
        body: z.custom<Buffer>().meta({ type: 'string', format: 'binary' }),
        response: {
          200: styleDocument.meta({ description: 'It is replaced', headers: location }),
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
      const id = checked(request.params.id);
      const model = request.headers['model-digest'];
      if (typeof model !== 'string' || !/^[0-9a-f]{64}$/.test(model)) {
        const text =
          'The Model-Digest header is missing or no digest. Send that of the answer that gave the statistics.';
        throw new ServiceError('invalid_value', text, { field: 'Model-Digest' });
      }
      if (!Buffer.isBuffer(request.body)) {
        const text = 'Send the statistics as application/octet-stream.';
        throw new ServiceError('unsupported_media_type', text);
      }
      const { library } = stylizer();
      return answer(request, reply, await library.registerStatistics(id, request.body, model));
    },
  );

  done();
};

function checked(id: string): string {
  if (styleIdPattern.test(id)) return id;
  const meant = styleIdOf(id);
  const hint = meant ? ` Did you mean ${meant}?` : '';
  const text = `The id is ${printable(id)}; it takes lower-case letters, digits and hyphens, 80 at most, and no hyphen in front.${hint}`;
  throw new ServiceError('invalid_value', text, { field: 'id' });
}
