import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import t, { type Test } from 'tap';
import { parseAllDocuments } from 'yaml';

import { readConfig } from '../../src/config.ts';
import { build, form, photo } from '../support/app.ts';
import { fakeEngine } from '../support/fake-engine.ts';
import { freePort, readText, readYaml } from './files.ts';

/** Says that a program is missing; tests that need it are skipped. */
function absent(program: string, ...version: string[]): string | false {
  if (!spawnSync(program, version).error) return false;
  const text = `NOT CHECKED: ${program} is not installed (apt: ${program})`;
  process.stderr.write(`\n${text}\n\n`);
  return text;
}

/** Runs a proxy in front of the application for as long as the test takes. */
async function inFront(t: Test, start: (upstream: number, port: number) => [string, string[]]) {
  const app = await build(t, {}, { createEngine: fakeEngine() });
  const upstream = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port);
  const port = await freePort();
  const proxy = spawn(...start(upstream, port), { stdio: ['ignore', 'inherit', 'ignore'] });
  t.teardown(async () => {
    proxy.kill('SIGTERM');
    if (proxy.exitCode === null) await once(proxy, 'exit');
  });
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(url).catch(() => undefined))) {
    if (proxy.exitCode !== null) throw new Error('the proxy does not listen');
    await setTimeout(100);
  }
  return url;
}

async function post(url: string, padding = 0): Promise<Response> {
  // More than the picture's end, which decoders ignore: the form alone becomes large.
  const content = Buffer.concat([await photo(), Buffer.alloc(padding)]);
  const { headers, payload } = await form(['content', content], ['styleId', 'mosaic']);
  const body = new Uint8Array(payload);
  return fetch(`${url}/stylize`, { method: 'POST', headers, body });
}

async function checkVisits(t: Test, url: string): Promise<void> {
  const { ADAIN_MAX_UPLOAD_BYTES: limit } = readConfig({});
  t.equal((await post(url)).status, 200);
  const refused = await post(url, limit + 1);
  t.equal(refused.status, 413);
  t.match(await refused.json(), { code: 'too_many_bytes' }, "the service's own answer");
  for (const path of [
    '/',
    '/assets/page/main.js',
    '/styles',
    '/styles/mosaic/thumbnail',
    '/docs',
    '/openapi.yaml',
  ]) {
    t.equal((await fetch(url + path)).status, 200, path);
  }
  for (const path of ['/metrics', '/model', '/livez', '/readyz', '/nope']) {
    t.equal((await fetch(url + path)).status, 404, path);
  }
  for (const method of ['POST', 'DELETE']) {
    const { status } = await fetch(`${url}/styles/mine`, { method });
    t.equal(status, 403, 'the public does not write');
  }
  const { status: asked } = await fetch(`${url}/styles`, { method: 'OPTIONS' });
  t.not(asked, 403, 'OPTIONS: a preflight');
  const { headers } = await fetch(`${url}/styles`, { headers: { 'x-request-id': 'mine' } });
  t.match(headers.get('x-request-id'), /^[\w-]{16,}$/, "the gateway's own id");
}

t.test('nginx', { skip: absent('nginx', '-v') }, async (t) => {
  const folder = t.testdir({});
  const given = readText('docker/proxy/nginx.conf');
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-out', join(folder, 'certificate.pem')];
  execFileSync('openssl', ['req', '-x509', ...key, ...subject], { stdio: 'pipe' });
  writeFileSync(join(folder, 'given.conf'), given);
  const run = ['-p', folder, '-e', 'error.log'];
  const { status, stderr } = spawnSync(
    'nginx',
    [...run, '-t', '-c', 'given.conf', '-g', 'pid pid;'],
    {
      encoding: 'utf8',
    },
  );
  t.equal(status, 0, stderr);

  const url = await inFront(t, (upstream, port) => {
    const changed = given
      .replace('listen 443 ssl http2', `listen 127.0.0.1:${port}`)
      .replace('127.0.0.1:8080', `127.0.0.1:${upstream}`)
      .replace(
        /^http \{/m,
        'pid pid;\ndaemon off;\nhttp {\naccess_log off;\nclient_body_temp_path body;',
      );
    writeFileSync(join(folder, 'nginx.conf'), changed);
    return ['nginx', [...run, '-c', 'nginx.conf']];
  });
  await checkVisits(t, url);
  // Without pictures: a slow machine would not paint more than one a second.
  const statuses = [];
  for (let i = 0; i < 12; i++) statuses.push((await fetch(`${url}/stylize`)).status);
  t.ok(statuses.includes(429), 'a client that sends too many is told so');
});

t.test('Caddy', { skip: absent('caddy', 'version') }, async (t) => {
  const folder = t.testdir({});
  const given = readText('docker/proxy/Caddyfile');
  const file = join(folder, 'Caddyfile');
  writeFileSync(file, given);
  const validate = ['validate', '--adapter', 'caddyfile', '--config', file];
  const { status, stderr } = spawnSync('caddy', validate, { encoding: 'utf8' });
  t.equal(status, 0, stderr);

  const url = await inFront(t, (upstream, port) => {
    const changed = given
      .replace('pictures.example.org', `http://127.0.0.1:${port}`)
      .replace('127.0.0.1:8080', `127.0.0.1:${upstream}`);
    writeFileSync(file, `{\n\tadmin off\n}\n${changed}`);
    return ['caddy', ['run', '--adapter', 'caddyfile', '--config', file]];
  });
  await checkVisits(t, url);
});

t.test('the Ingresses follow their schema and lead to the Service', async (t) => {
  const documents = parseAllDocuments(readText('docker/proxy/ingress.yaml'));
  const ingresses = documents.map((document) => document.toJS() as Ingress);
  const pathsOf = ({ spec }: Ingress) => spec?.rules?.[0]?.http?.paths ?? [];
  for (const ingress of ingresses) {
    t.doesNotThrow(() => {
      new Ingress(ingress).validate();
    });
    // The controller counts the requests to all paths of one, of which the page makes thirty.
    const limits = Object.keys(ingress.metadata?.annotations ?? {})
      .join()
      .includes('/limit-');
    const isStylize = pathsOf(ingress).every(({ path }) => path === '/stylize');
    t.equal(limits, isStylize, 'pictures are limited, and they alone');
  }
  const service = readYaml('docker/kubernetes/base/service.yaml') as {
    metadata: { name: string };
    spec: { ports: { name: string }[] };
  };
  const paths = ingresses.flatMap(pathsOf);
  t.same(
    paths.map(({ path }) => path),
    ['/stylize', '/styles', '/', '/assets', '/docs', '/openapi.yaml'],
  );
  for (const { backend } of paths) {
    t.equal(backend.service?.name, service.metadata.name);
    t.equal(backend.service?.port?.name, service.spec.ports[0]?.name);
  }
});

t.test('bodies and times are a little more than the service allows by default', async (t) => {
  const config = readConfig({});
  const [mega, seconds] = [2 ** 20, config.ADAIN_REQUEST_TIMEOUT_MS / 1000];
  const bodies = /client_max_body_size (\d+)m|max_size (\d+)MiB|proxy-body-size: (\d+)m/;
  const times = /proxy_read_timeout (\d+)s|header_timeout (\d+)s|proxy-read-timeout: '(\d+)'/;
  for (const name of ['nginx.conf', 'Caddyfile', 'ingress.yaml']) {
    const text = readText(`docker/proxy/${name}`);
    const number = (pattern: RegExp) => Number(pattern.exec(text)?.slice(1).find(Boolean));
    const excess = number(bodies) * mega - config.ADAIN_MAX_UPLOAD_BYTES;
    t.ok(excess > 0 && excess < 2 * mega, `${name}: ${excess} bytes`);
    t.ok(number(times) > seconds && number(times) < 1.2 * seconds, `${name}: ${number(times)} s`);
  }
});
