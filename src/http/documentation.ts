import swagger, { type SwaggerTransform } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import plugin from 'fastify-plugin';
import { createJsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

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
      tags: [
        { name: 'stylization', description: 'Pictures in, pictures out' },
        { name: 'styles', description: 'The presets' },
        { name: 'operations', description: 'For machines that look after the service' },
      ],
    },
    transform: withHeaders,
    transformObject: jsonSchemaTransformObject,
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  app.get('/openapi.yaml', { schema: { hide: true } }, (_request, reply) =>
    reply.type('application/yaml').send(app.swagger({ yaml: true })),
  );
});

const toJsonSchema = createJsonSchemaTransform({});

type Responses = Record<string, { headers?: unknown }>;

/** zod's transform of a response with several media types leaves its headers out. */
const withHeaders: SwaggerTransform = (route) => {
  const transformed = toJsonSchema(route);
  const given = (route.schema.response ?? {}) as Responses;
  const made = (transformed.schema.response ?? {}) as Responses;
  for (const [status, { headers }] of Object.entries(given)) {
    if (headers && made[status]) made[status].headers = headers;
  }
  return transformed;
};
