import { fastify } from 'fastify';
import {
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import t from 'tap';

import { readConfig } from '../../src/config.ts';
import { operationsRoutes } from '../../src/routes/operations.ts';
import { engineOptions } from '../../src/stylizer.ts';
import { fakeEngine } from '../support/fake-engine.ts';

t.test('a picture that hangs in its thread: the process is not alive', async (t) => {
  const app = fastify().withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  const engine = await fakeEngine()(engineOptions(readConfig({})));
  const pool = { stuck: false };
  const no = () => false;
  await app.register(operationsRoutes, {
    ...{ engine: () => engine, pool, isStarting: no, isClosing: no },
    presets: () => ({ awaited: 0 }),
    metricsType: 'text/plain',
    metricsText: () => Promise.resolve(''),
  });
  t.equal((await app.inject('/livez')).statusCode, 200);
  pool.stuck = true;
  const reply = await app.inject('/livez');
  t.equal(reply.statusCode, 503);
  t.match(reply.json(), { message: /for more than 120 s, which nothing can end. Restart it/ });
});
