import accepts from '@fastify/accepts';
import multipart from '@fastify/multipart';
import {
  fastify,
  LogController,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import {
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pino, type Logger } from 'pino';

import type { Config } from './config.ts';
import { ServiceError } from './errors.ts';
import { limitConnections, trackConnections } from './http/connections.ts';
import { crossOrigin } from './http/cross-origin.ts';
import { documentation } from './http/documentation.ts';
import { halfClosed } from './http/half-closed.ts';
import { lifetimes } from './http/lifetime.ts';
import { sendProblem, toServiceError } from './http/problem.ts';
import { requestId } from './http/request-id.ts';
import { followRequest, requestLog } from './http/request-log.ts';
import { slowReaders } from './http/slow-readers.ts';
import { strictHeaders } from './http/strict-headers.ts';
import { unmatched } from './http/unmatched.ts';
import { unreadable } from './http/unreadable.ts';
import { untyped } from './http/untyped.ts';
import { pool } from './imaging/pool.ts';
import { createMetrics, type Metrics } from './observability/metrics.ts';
import { withoutBase } from './http/base-path.ts';
import { operationsRoutes } from './routes/operations.ts';
import { pageRoutes } from './routes/page.ts';
import { registerStylesRoutes } from './routes/register-styles.ts';
import { styleStatisticsRoutes } from './routes/style-statistics.ts';
import { stylesRoutes } from './routes/styles.ts';
import { stylizeRoute } from './routes/stylize.ts';
import { createStylizer, type StylizerParts } from './stylizer.ts';
import { version } from './version.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Makes /readyz say no while requests are still served: the first step of a shutdown. */
    announceClosing(): void;
    /**
     * Starts the engine and describes the presets. Until it resolves, whatever needs them is
     * answered `not_ready`.
     * @throws Error that says which file, variable or device is at fault.
     */
    warmUp(): Promise<void>;
  }
}

type Started = Awaited<ReturnType<typeof createStylizer>>;

/** What tests replace, and one of several processes. */
export interface Parts extends StylizerParts {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** What GET /metrics answers, where that is not what this process keeps. */
  readonly metricsText: () => Promise<string>;
}

/**
 * Builds the HTTP application. It can listen at once, and paints after `warmUp`; closing it closes
 * the engine, after the last accepted request.
 */
export async function buildApp(config: Config, parts: Partial<Parts> = {}) {
  const metrics = parts.metrics ?? createMetrics();
  metrics.processes.set(config.ADAIN_PROCESSES);
  type Thrown = FastifyError & { headers?: Record<string, string> };
  const onError = (thrown: Thrown, request: FastifyRequest, reply: FastifyReply) => {
    const error = toServiceError(thrown);
    metrics.rejections.inc({ reason: error.code });
    request.logFields = { ...request.logFields, code: error.code, detail: error.message };
    // A refusal or a missed deadline is told in full by its detail; a fault needs its stack.
    if (error.status === 500) request.logFields['err'] = error.cause ?? error;
    reply.headers(thrown.headers ?? {}); // that plugins want sent with it
    sendProblem(request, reply, error);
  };

  const basePath = config.ADAIN_BASE_PATH ?? '';
  const { connections, track, tracking } = trackConnections();
  const log: FastifyBaseLogger = parts.logger ?? pino({ level: config.LOG_LEVEL });
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    http: { requireHostHeader: false }, // strictHeaders says what is missing
    requestTimeout: config.ADAIN_REQUEST_TIMEOUT_MS,
    keepAliveTimeout: 75_000, // longer than the 60 s of common load balancers, so that they hang up first
    return503OnClosing: false, // what comes on an open connection is served, see onSend
    genReqId: requestId,
    routerOptions: { ignoreTrailingSlash: true },
    rewriteUrl: ({ url = '' }) => withoutBase(url, basePath),
    clientErrorHandler: unreadable(connections, metrics),
    frameworkErrors: (error, request, reply) => {
      // No hook has seen it.
      track(request, reply);
      followRequest(request, reply, metrics);
      onError(error, request, reply);
    },
  }).withTypeProvider<ZodTypeProvider>();

  let starting: Promise<Started> | undefined;
  let started: Started | undefined;
  const warm = (): Started => {
    if (started) return started;
    const text = 'The model is warming up. Come back soon, or send requests to another instance.';
    throw new ServiceError('not_ready', text);
  };
  app.decorate('warmUp', async () => {
    starting ??= createStylizer(config, metrics, app.log, parts);
    started = await starting;
  });

  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);

  app.setErrorHandler<FastifyError>(onError);
  limitConnections(app, config.ADAIN_MAX_CONNECTIONS, metrics);
  // Instead of Node's answer to Expect: 100-continue, which would have the form sent unasked.
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    app.routing(request, response);
  });

  let closing = false;
  app.decorate('announceClosing', () => {
    closing = true;
  });
  // Connections kept alive would hold the process up; each ends with the answer it waits for.
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
  app.addHook('onClose', async () => {
    // After the last answer; a start that failed was told to who asked for it.
    await starting
      ?.then(async ({ engine, store, presets }) => {
        await presets.close();
        await engine.close();
        await store.close();
      })
      .catch(() => undefined);
  });

  await app.register(unmatched);
  await app.register(tracking);
  await app.register(halfClosed, { connections });
  await app.register(requestLog, { metrics });
  await app.register(slowReaders, { metrics });
  const origins = config.ADAIN_CORS_ORIGINS;
  if (origins) await app.register(crossOrigin, { origins });
  await app.register(lifetimes, { timeoutMs: config.ADAIN_REQUEST_TIMEOUT_MS });
  await app.register(strictHeaders);
  await app.register(untyped);
  await app.register(accepts);
  app.removeAllContentTypeParsers(); // a form, where a route does not say otherwise
  await app.register(multipart);
  await app.register(documentation, { version, basePath });
  await app.register(pageRoutes, { basePath, hasPage: config.ADAIN_PAGE === 'on' });
  await app.register(stylizeRoute, {
    stylizer: warm,
    metrics,
    maxUploadBytes: config.ADAIN_MAX_UPLOAD_BYTES,
  });
  const styles = {
    ...{ stylizer: warm, basePath, origins: origins ?? [] },
    isWritable: config.ADAIN_STYLES_WRITABLE === 'on',
  };
  await app.register(stylesRoutes, styles);
  await app.register(registerStylesRoutes, {
    ...styles,
    maxUploadBytes: config.ADAIN_MAX_UPLOAD_BYTES,
  });
  await app.register(styleStatisticsRoutes, styles);
  await app.register(operationsRoutes, {
    engine: () => warm().engine,
    presets: () => warm().presets,
    metricsType: metrics.registry.contentType,
    metricsText: parts.metricsText ?? (() => metrics.registry.metrics()),
    pool,
    isStarting: () => started === undefined,
    isClosing: () => closing,
  });

  return app;
}
