import t from 'tap';

import { buildApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import type { Engine } from '../../src/engine/index.ts';
import { form, photo } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';

const config = readConfig({ LOG_LEVEL: 'silent' });

/** An application whose engine starts when the test says so. */
async function starting(overrides: Partial<Engine> = {}) {
  let start!: () => void;
  let fail!: (reason: Error) => void;
  const promise = new Promise<void>((resolve, reject) => {
    start = resolve;
    fail = reject;
  });
  promise.catch(() => undefined); // it may fail before it is asked for
  const app = await buildApp(config, {
    createEngine: async (...args) => {
      await promise;
      return fakeEngine(overrides)(...args);
    },
  });
  return { app, warmUp: app.warmUp(), start, fail };
}

t.test('while it starts it lives, is not ready, and sends pictures away', async (t) => {
  const { app, warmUp, start } = await starting();
  t.teardown(() => app.close());
  const request = await form(['content', await photo()], ['styleId', 'mosaic']);

  for (const url of ['/livez', '/metrics', '/openapi.yaml', '/docs']) {
    t.equal((await app.inject(url)).statusCode, 200, url);
  }
  for (const asked of ['/readyz', '/model', '/styles', '/styles/mosaic/thumbnail', request]) {
    const { statusCode, headers, body } = await app.inject(asked);
    t.equal(statusCode, 503);
    t.match(headers, { 'retry-after': /^\d+$/, 'cache-control': 'no-store' });
    t.match(JSON.parse(body), {
      code: 'not_ready',
      detail: /^The model is warming up\. Come back/,
    });
  }

  start();
  await warmUp;
  for (const asked of ['/livez', '/readyz', '/model', '/styles', request]) {
    t.equal((await app.inject(asked)).statusCode, 200);
  }
});

t.test('closed while it starts, it closes the engine that comes', async (t) => {
  let closed = false;
  const close = async () => {
    closed = true;
  };
  const { app, start } = await starting({ close });
  const closing = app.close();
  start();
  await closing;
  t.ok(closed);
});

t.test('what keeps it from starting is thrown, and it can be closed', async (t) => {
  const { app, warmUp, fail } = await starting();
  fail(new Error('no such device'));
  await t.rejects(warmUp, { message: 'no such device' });
  t.equal((await app.inject('/livez')).statusCode, 200);
  t.equal((await app.inject('/readyz')).statusCode, 503);
  await t.resolves(app.close());
});
