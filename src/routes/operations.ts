import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { providers, type Engine } from '../engine/index.ts';
import { ServiceError } from '../errors.ts';
import { unavailable } from '../http/responses.ts';
import { type Pool, stuckAfterSeconds } from '../imaging/pool.ts';
import type { Presets } from '../stylization/presets.ts';

interface Options {
  /** Throws `not_ready` while it starts. */
  readonly engine: () => Engine;
  readonly presets: () => Pick<Presets, 'awaited'>;
  readonly metricsType: string;
  readonly metricsText: () => Promise<string>;
  readonly isStarting: () => boolean;
  /** Where pictures are decoded: what hangs there keeps all others from being read. */
  readonly pool: Pick<Pool, 'stuck'>;
  /** True from the moment the process is asked to end. */
  readonly isClosing: () => boolean;
}

const tags = ['operations'];
const ok = z.object({ status: z.literal('ok') });
const ready = ok.extend({
  detail: z.string().optional().describe('what is still to come, if anything'),
});
const model = z
  .object({
    name: z.string(),
    version: z.string(),
    digest: z.string().describe('sha256 of the weights, in hex'),
    parameters: z.int(),
    gmac512: z.number().describe('10⁹ multiply-accumulates for a content picture of 512×512'),
    channels: z.int(),
    license: z.string(),
    provider: z.enum(providers),
    description: z.string().describe('what the engine runs on, and why'),
  })
  .meta({ id: 'Model' });

/** What machines ask: is it alive, is it ready, how does it fare, what does it run. */
export const operationsRoutes: FastifyPluginCallbackZod<Options> = (app, options, done) => {
  const { engine, presets, metricsType, metricsText, pool, isStarting, isClosing } = options;

  app.get(
    '/livez',
    {
      schema: {
        operationId: 'livez',
        summary: 'Whether the process works, starting included; if not, restart it',
        tags,
        response: {
          200: ok.describe('It works'),
          503: unavailable(
            'A run, a start or an end of a worker or a picture hangs, no worker can be started, or the GPU failed',
          ),
        },
      },
    },
    () => {
      if (!isStarting() && !engine().live) {
        const why =
          'A run, a start or an end of a worker hangs, no worker can be started, or the GPU failed for the rest of this process.';
        throw new ServiceError('not_ready', `${why} Restart it; the log has the cause.`);
      }
      if (pool.stuck) {
        const why = `A picture has been decoded or encoded for more than ${stuckAfterSeconds} s, which nothing can end.`;
        throw new ServiceError('not_ready', `${why} Restart it.`);
      }
      return { status: 'ok' } as const;
    },
  );

  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'readyz',
        summary: 'Whether to send requests; a real inference has succeeded',
        tags,
        response: {
          200: ready.describe('It is ready'),
          503: unavailable('Send requests elsewhere'),
        },
      },
    },
    () => {
      const elsewhere = 'Send requests to another instance, or come back.';
      if (isClosing()) {
        throw new ServiceError('closing', `The service is shutting down. ${elsewhere}`);
      }
      if (!engine().ready) {
        throw new ServiceError('not_ready', `No worker of the engine is up. ${elsewhere}`);
      }
      const { awaited } = presets();
      if (awaited === 0) return { status: 'ok' } as const;
      const detail = `${awaited} pictures of ADAIN_STYLES_DIR are still to be described.`;
      return { status: 'ok', detail } as const;
    },
  );

  app.get(
    '/model',
    {
      schema: {
        operationId: 'getModel',
        summary: 'What paints the pictures',
        tags,
        response: {
          200: model.describe('The model and what it runs on'),
          503: unavailable('The service is starting'),
        },
      },
    },
    () => {
      const { model, provider, description } = engine();
      return { ...model, provider, description };
    },
  );

  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'metrics',
        summary: 'Metrics for Prometheus',
        tags,
        response: {
          200: {
            description: 'Prometheus text format',
            content: { 'text/plain': { schema: z.string() } },
          },
        },
      },
    },
    async (_request, reply) => reply.type(metricsType).send(await metricsText()),
  );

  done();
};
