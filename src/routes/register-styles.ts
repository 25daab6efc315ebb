import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { abortable } from '../abortable.ts';
import { readForm } from '../http/read-form.ts';
import { problem } from '../http/responses.ts';
import { asRegistered, represent, styleDocument } from './style-documents.ts';
import { parseStyleForm, parseTexts, styleForm, styleTexts } from './style-form.ts';
import {
  answerRegistered,
  checkedId,
  inviteBody,
  mayChange,
  type StylesOptions,
  validatorCompiler,
  workFor,
} from './style-requests.ts';
import { created, known, missing, ownId, params, refusals, tags } from './style-responses.ts';

interface Options extends StylesOptions {
  readonly maxUploadBytes: number;
}

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

/** In bytes: texts are short. */
const bodyLimit = 65_536;
const mediaType = 'application/json';

/** POST /styles; PUT, PATCH and DELETE /styles/{id}. */
export const registerStylesRoutes: FastifyPluginCallbackZod<Options> = (app, options, done) => {
  const { stylizer, basePath, maxUploadBytes } = options;
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser(mediaType, { parseAs: 'string', bodyLimit }, parseJson);
  app.addHook('onRequest', mayChange(options));
  app.addHook('preParsing', async (request, reply) => {
    inviteBody(request, reply);
  });

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
    const registered = await abortable(work.signal, work.settle(registering()));
    return answerRegistered(request, reply, registered, basePath);
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
          200: known,
          201: created,
          ...formRefusals,
        },
      },
    },
    (request, reply) => register(request, reply),
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
        params: ownId,
        body: styleForm,
        response: {
          200: known,
          201: created,
          ...formRefusals,
        },
      },
    },
    (request, reply) => register(request, reply, checkedId(request.params.id)),
  );

  app.patch(
    '/styles/:id',
    {
      validatorCompiler,
      schema: {
        operationId: 'patchStyle',
        summary: "Change a registered style's texts",
        tags,
        consumes: [mediaType],
        params,
        body: styleTexts,
        response: {
          200: styleDocument.meta({ description: 'The style' }),
          ...refusals,
          400: problem('The body is malformed, or a field has a wrong value'),
          404: missing,
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
          404: missing,
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

  done();
};
