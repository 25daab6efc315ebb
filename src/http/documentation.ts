import swagger, { type SwaggerTransform, type SwaggerTransformObject } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import plugin from 'fastify-plugin';
import {
  createJsonSchemaTransform,
  createJsonSchemaTransformObject,
} from 'fastify-type-provider-zod';

import { problem } from './responses.ts';

/** The OpenAPI document, made from the routes' schemas: GET /openapi.yaml, and /docs to try it. */
export const documentation = plugin<{ version: string }>(async (app, { version }) => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'adain-server',
        version,
        description: 'Repaints pictures in any style. Errors are RFC 9457 problem documents.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      security: [],
      tags: [
        { name: 'stylization', description: 'Pictures in, pictures out' },
        { name: 'styles', description: 'The presets' },
        { name: 'operations', description: 'For machines that look after the service' },
      ],
    },
    transform: completed,
    transformObject: withUsedSchemas,
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  app.get('/openapi.yaml', { schema: { hide: true } }, (_request, reply) =>
    reply.type('application/yaml').send(app.swagger({ yaml: true })),
  );
});

/** Whole numbers need no bounds that only say what a double can count. */
const zodToJsonConfig: Parameters<typeof createJsonSchemaTransform>[0]['zodToJsonConfig'] = {
  override: ({ jsonSchema }) => {
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
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
