import { readFile } from 'node:fs/promises';
import t from 'tap';
import { parse } from 'yaml';

import { buildApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { errorCodes } from '../../src/errors.ts';
import { version } from '../../src/version.ts';
import { build, form, photo } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';

interface Operation {
  parameters?: object[];
  responses: Record<string, { headers?: object }>;
}
type Sent = Pick<Awaited<ReturnType<typeof app.inject>>, 'statusCode' | 'headers'>;

const app = await build(t, {}, { createEngine: fakeEngine() });
const committed = await readFile(new URL('../../openapi.yaml', import.meta.url), 'utf8');

t.test('openapi.yaml is what the service serves (if not: npm run openapi)', async (t) => {
  const served = await app.inject('/openapi.yaml');
  t.equal(served.body, committed);
  t.match(served.headers['content-type'], 'application/yaml');
});

t.test('it tells of the headers that are taken and sent', async (t) => {
  const { paths } = parse(committed) as { paths: Record<string, Record<string, Operation>> };
  const told = ['etag', 'vary', 'retry-after', 'style-id', 'server-timing'];
  const check = (path: string, method: 'get' | 'post', { statusCode, headers }: Sent) => {
    const response = paths[path]?.[method]?.responses[String(statusCode)];
    const named = Object.keys(response?.headers ?? {}).map((name) => name.toLowerCase());
    const sent = told.filter((name) => headers[name] !== undefined);
    t.same(named.sort(), sent.sort(), `${method} ${path} ${statusCode}`);
  };
  for (const path of ['/styles', '/styles/{id}', '/styles/{id}/image', '/styles/{id}/thumbnail']) {
    const url = path.replace('{id}', 'mosaic');
    const first = await app.inject(url);
    check(path, 'get', first);
    const headers = { 'if-none-match': String(first.headers.etag) };
    check(path, 'get', await app.inject({ url, headers }));
  }
  const content = await photo();
  const painted = await app.inject(await form(['content', content], ['styleId', 'mosaic']));
  check('/stylize', 'post', painted);
  t.match(paths['/stylize']?.['post']?.parameters, [{ in: 'header', name: 'Request-Timeout' }]);

  app.announceClosing();
  check('/readyz', 'get', await app.inject('/readyz'));
  for (const [path, operations] of Object.entries(paths)) {
    for (const { responses } of Object.values(operations)) t.ok(responses['500'], path);
  }
});

t.test('/docs shows it', async (t) => {
  const page = await app.inject('/docs');
  t.equal(page.statusCode, 200);
  t.match(page.headers['content-type'], 'text/html');
  t.equal((await app.inject('/docs/static/swagger-ui-bundle.js')).statusCode, 200);
});

t.test('/model tells what runs', async (t) => {
  t.match((await app.inject('/model')).json(), { name: 'fake', provider: 'cpu', license: 'MIT' });
});

t.test('what can be counted is there before it happens', async (t) => {
  const app = await buildApp(readConfig({ LOG_LEVEL: 'silent' }));
  t.teardown(() => app.close());
  const { body } = await app.inject('/metrics');
  const { paths } = parse(committed) as { paths: Record<string, Record<string, Operation>> };
  for (const [path, operations] of Object.entries(paths)) {
    const route = path.replace('{id}', ':id');
    for (const status of Object.values(operations).flatMap((one) => Object.keys(one.responses))) {
      t.match(body, `adain_requests_total{route="${route}",status="${status}"} 0\n`);
    }
    t.match(body, `adain_request_duration_seconds_count{route="${route}"} 0\n`);
  }
  for (const code of errorCodes) t.match(body, `adain_rejections_total{reason="${code}"} 0\n`);
  for (const result of ['hit', 'miss', 'joined']) {
    t.match(body, `adain_style_cache_requests_total{result="${result}"} 0\n`);
  }
  for (const control of ['alpha', 'mask', 'strokes', 'color']) {
    t.match(body, `adain_controls_total{control="${control}"} 0\n`);
  }
  for (const stage of ['decode', 'style', 'underpaint', 'frames', 'queue', 'infer', 'encode']) {
    t.match(body, `adain_stage_duration_seconds_count{stage="${stage}"} 0\n`);
  }
  t.match(body, `adain_build_info{version="${version}",revision="unknown"} 1\n`);
});

t.test('every metric of the contract is there', async (t) => {
  const { body, headers } = await app.inject('/metrics');
  t.match(headers['content-type'], /^text\/plain; version=0\.0\.4/);
  for (const name of [
    'adain_requests_total counter',
    'adain_request_duration_seconds histogram',
    'adain_stage_duration_seconds histogram',
    'adain_queue_depth gauge',
    'adain_queue_wait_seconds histogram',
    'adain_batch_size histogram',
    'adain_style_cache_requests_total counter',
    'adain_style_cache_entries gauge',
    'adain_rejections_total counter',
    'adain_controls_total counter',
    'adain_inference_pixels_total counter',
    'adain_build_info gauge',
    'adain_engine_info gauge',
    'process_resident_memory_bytes gauge',
  ]) {
    t.match(body, `# TYPE ${name}`);
  }
});
