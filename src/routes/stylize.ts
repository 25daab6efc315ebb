import type { FastifyRequest } from 'fastify';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { abortable } from '../abortable.ts';
import { ServiceError } from '../errors.ts';
import { tooLate } from '../http/lifetime.ts';
import { negotiateFormat } from '../http/negotiate.ts';
import { onEnd } from '../http/on-end.ts';
import { readForm } from '../http/read-form.ts';
import { picture, problem, unavailable } from '../http/responses.ts';
import { vary } from '../http/vary.ts';
import { animationFormats, mediaTypes, pictureFormats } from '../imaging/formats.ts';
import { printable, shortened } from '../printable.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createStages, type Stages } from '../observability/stages.ts';
import { turnedControls } from '../stylization/controls.ts';
import { stylizePicture, type Stylization, type Stylizer } from '../stylization/stylize.ts';
import { stylizeForm } from './stylize-fields.ts';
import { assertMakes } from './stylize-complaints.ts';
import { parseStylizeForm } from './stylize-form.ts';

interface Options {
  /** Throws `not_ready` while it starts. */
  readonly stylizer: () => Stylizer;
  readonly metrics: Metrics;
  readonly maxUploadBytes: number;
}

const schema = {
  operationId: 'stylize',
  summary: 'Repaint a picture in a style',
  description:
    'Send a picture as content and at least one style: presets by styleId, pictures as style. Several styles are blended by their weights. EXIF orientation and colours (profiles, cICP, gAMA and cHRM, HDR) are applied as browsers do, transparency is kept, and of an animation the first frame is taken, or with frames=all the whole of it (WebP and GIF). Every pixel must be in the file; what comes after them may be missing. Without the field format, the Accept header chooses the format of the result.',
  tags: ['stylization'],
  consumes: ['multipart/form-data'],
  headers: z.object({
    'Request-Timeout': z
      .number()
      .positive()
      .optional()
      .describe('seconds for which the client waits, if less than the service allows'),
  }),
  body: stylizeForm,
  response: {
    200: {
      ...picture('The repainted picture', Object.values(mediaTypes)),
      headers: {
        'Style-Id': { type: 'string', description: 'the ids of the styles used, in their order' },
        'Server-Timing': { type: 'string', description: 'milliseconds spent in each stage' },
        Vary: { type: 'string', description: 'Accept, which the format may follow' },
      },
    },
    400: problem('The form is malformed, or a field has a wrong value'),
    404: problem('No such style'),
    406: problem('None of the accepted media types can be made'),
    408: problem('The form did not come in time'),
    413: problem('Too many bytes'),
    415: problem('Not a form, or not a picture of a kind we take'),
    422: problem('A picture is damaged, lacks pixels, is too small or takes too much work'),
    503: unavailable(
      'Overloaded, starting, closing, without a worker, or the store of styles does not answer',
    ),
    504: problem('The deadline has passed'),
  },
};

/** POST /stylize */
export const stylizeRoute: FastifyPluginCallbackZod<Options> = (app, options, done) => {
  const { stylizer, metrics, maxUploadBytes } = options;

  app.post(
    '/stylize',
    // The form is checked where it is read, part by part, not as a body that fastify has parsed.
    { schema, validatorCompiler: () => (value: unknown) => ({ value }) },
    async (request, reply) => {
      const painter = stylizer();
      const { lifetime } = request;
      const { signal } = lifetime;
      refuseQuery(request);
      const stages = createStages();
      const memory = painter.memory.forRequest();
      let fittingSide = (): number | undefined => undefined;
      const onMeasured = (find: typeof fittingSide) => {
        fittingSide = find;
      };
      let instead = '';
      const paint = async () => {
        painter.engine.assertOpen(lifetime);
        const parts = await readForm(request, reply, maxUploadBytes, { memory, signal });
        signal.throwIfAborted();
        const { format, ...fields } = parseStylizeForm(parts);
        if (fields.frames === 'all') instead = ' or fewer frames';
        const turned = turnedControls(fields);
        request.logFields = {
          contentBytes: fields.content.length,
          styles: fields.styles.map((style) => (style.kind === 'id' ? style.id : 'upload')),
          ...turned,
        };
        for (const control of Object.keys(turned)) metrics.controls.inc({ control });
        const chooseFormat: Stylization['chooseFormat'] = (own, canHold, isAnimation) => {
          const formats = isAnimation ? animationFormats : pictureFormats;
          if (format) assertMakes(formats, format);
          return format ?? negotiateFormat(request, formats, own, canHold);
        };
        return stylizePicture(
          painter,
          { ...fields, chooseFormat },
          { stages, memory, onMeasured, ...lifetime },
        );
      };
      const painting = paint();
      // Work may outlast the answer, and a result its work while the client reads it.
      onEnd(reply.raw, () => void painting.catch(() => undefined).then(memory.release));
      const result = await abortable(signal, painting).catch((error: unknown) => {
        const isLate = error instanceof ServiceError && error.code === 'deadline_exceeded';
        throw isLate ? tooLate(lifetime.limit, fittingSide(), instead) : error;
      });

      const { bytes, frames, width, height, styleIds } = result;
      observeStages(metrics, stages);
      request.logFields = {
        ...request.logFields,
        styles: styleIds,
        picture: `${width}x${height} ${result.format}`,
        ...(frames > 1 && { paintedFrames: frames }),
        bytes: bytes.length,
        stages: Object.fromEntries([...stages.times].map(([name, ms]) => [name, Math.round(ms)])),
      };
      return vary(reply, 'accept')
        .type(mediaTypes[result.format])
        .header('style-id', styleIds.join(', '))
        .header('server-timing', stages.serverTiming())
        .send(bytes);
    },
  );
  done();
};

/** A field in the address would be ignored, and the picture come out as if it had not been asked for. */
function refuseQuery({ query }: FastifyRequest): void {
  const [name] = Object.keys(query as Record<string, unknown>);
  if (name === undefined) return;
  const text = `The field ${printable(name)} is in the address; it belongs in the form (curl -F name=value).`;
  throw new ServiceError('invalid_value', text, { field: shortened(name) });
}

function observeStages(metrics: Metrics, stages: Stages): void {
  for (const [stage, ms] of stages.times) metrics.stageDuration.observe({ stage }, ms / 1000);
}
