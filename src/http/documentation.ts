import swagger, { type SwaggerTransform, type SwaggerTransformObject } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import plugin from 'fastify-plugin';
import {
  createJsonSchemaTransform,
  createJsonSchemaTransformObject,
} from 'fastify-type-provider-zod';

import { problem } from './responses.ts';

interface Options {
  readonly version: string;
  /** In front of the path of links. */
  readonly basePath: string;
}

/** The OpenAPI document, made from the routes' schemas: GET /openapi.yaml, and /docs to try it. */
export const documentation = plugin<Options>(async (app, { version, basePath }) => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'adain-server',
        version,
        description: 'Repaints pictures in any style. Errors are RFC 9457 problem documents.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: basePath || '/' }],
      security: [],
      tags: [
        { name: 'stylization', description: 'Pictures in, pictures out' },
        { name: 'styles', description: 'Presets, and those that users add' },
        { name: 'operations', description: 'For machines that look after the service' },
      ],
    },
    transform: completed,
    transformObject: withUsedSchemas,
  });
  await app.register(async (docs) => {
    docs.addHook('onSend', async (_request, reply) => {
      reply.headers(pageHeaders);
      const location = reply.getHeader('location');
      if (location !== undefined) reply.header('location', `${basePath}${String(location)}`);
    });
    await docs.register(swaggerUi, {
      routePrefix: '/docs',
      indexPrefix: basePath,
      // Without the bar that names Swagger, and with forms to fill in at once.
      uiConfig: { layout: 'BaseLayout', tryItOutEnabled: true },
      theme: { title: 'adain-server', favicon: [favicon] },
    });
  });
  app.get('/openapi.yaml', { schema: { hide: true } }, (_request, reply) =>
    reply.type('application/yaml').send(app.swagger({ yaml: true })),
  );
});

/** Pictures come as blobs; whatever is not the service's own is neither loaded nor run. */
const pageHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
};

export const favicon = {
  filename: 'favicon.svg',
  rel: 'icon',
  sizes: 'any',
  type: 'image/svg+xml',
  content:
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path fill="#2a6f97" d="M0 0h8v8H0z"/><path fill="#f4a259" d="M0 6q4-6 8-2v4H0z"/></svg>',
};

/** Whole numbers need no bounds that only say what a double can count. */
const zodToJsonConfig: Parameters<typeof createJsonSchemaTransform>[0]['zodToJsonConfig'] = {
  override: ({ jsonSchema }) => {
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    // Clients' tools take it for an order to send nothing.
    if (Array.isArray(jsonSchema.default) && jsonSchema.default.length === 0) {
      delete jsonSchema.default;
    }
    // A list that clients know as a single value stays one for them.
    if (jsonSchema['orOne'] === true) {
      const { type, items, maxItems } = jsonSchema;
      delete jsonSchema['orOne'];
      delete jsonSchema.type;
      delete jsonSchema.items;
      delete jsonSchema.maxItems;
      const [usual] = jsonSchema.default as unknown[];
      const anyOf = [items, { type, items, maxItems }];
      Object.assign(jsonSchema, { anyOf, default: usual, examples: [usual] });
    }
  },
};
const toJsonSchema = createJsonSchemaTransform({ zodToJsonConfig });
const addSchemas = createJsonSchemaTransformObject({ zodToJsonConfig });

type Responses = Record<string, { description?: string; headers?: unknown }>;

const fault = problem('A fault of ours: report it with its instance');

/** Any request may meet a fault; and zod's transform of media types leaves their headers out. */
const completed: SwaggerTransform = (route) => {
  const given: Responses = { ...(route.schema.response as Responses), 500: fault };
  const transformed = toJsonSchema({ ...route, schema: { ...route.schema, response: given } });
  const made = (transformed.schema.response ?? {}) as Responses;
  for (const [status, { headers }] of Object.entries(given)) {
    if (headers && made[status]) made[status].headers = headers;
  }
  return transformed;
};

/** zod's transform lists each named schema as input and as output, referred to or not. */
const withUsedSchemas: SwaggerTransformObject = (input) => {
  const document = addSchemas(input) as { components?: { schemas?: Record<string, object> } };
  const references = JSON.stringify(document);
  const schemas = Object.entries(document.components?.schemas ?? {}).filter(([name]) =>
    references.includes(`"#/components/schemas/${name}"`),
  );
  const components = { schemas: Object.fromEntries(schemas) };
  return { ...document, components };
};
