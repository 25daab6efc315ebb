import t from 'tap';

import { readConfig } from '../../src/config.ts';
import { gpuWorkers } from '../../src/engine/devices/gpu-workers.ts';
import { metrics, readText, readYaml, variables } from './files.ts';

// Read by Node, the C library and onnxruntime, not by us.
const foreign = new Set([
  'NODE_ENV',
  'MALLOC_ARENA_MAX',
  'MALLOC_MMAP_THRESHOLD_',
  'ORT_DISABLE_TELEMETRY',
]);
const dockerfile = readText('Dockerfile');

t.test('the image sets variables that exist, to values that are allowed', async (t) => {
  const lines = [...dockerfile.matchAll(/^ENV (.*)$/gm)].map(([, line = '']) => line);
  t.equal(lines.length, 2, 'one line a target');
  for (const line of lines) {
    const env = new Map(line.split(' ').map((pair) => pair.split('=', 2) as [string, string]));
    for (const name of foreign) env.delete(name);
    for (const name of env.keys()) t.ok(variables.has(name), name);
    t.doesNotThrow(() => readConfig(Object.fromEntries(env)));
  }
});

t.test(
  'package.json names the versions of Node that are tested, the image has the last',
  async (t) => {
    const { engines } = readYaml('package.json') as { engines: { node: string } };
    const named = [...engines.node.matchAll(/\^(\d+)/g)].map(([, major]) => major);
    const others = /node-versions\.sh (.*)/.exec(readText('.ci/run'))?.[1]?.split(' ') ?? [];
    t.same(named.slice(1), others, 'beside the first, which is that of the machine');
    const last = named.at(-1) ?? '';
    t.match(dockerfile, `ARG NODE_IMAGE=docker.io/library/node:${last}-`);
    t.match(readText('docker/stand-in-base.sh'), ` node=${last} `);
  },
);

t.test('it exposes and probes the default port', async (t) => {
  const { PORT } = readConfig({});
  t.same(dockerfile.match(/^EXPOSE .*$/gm), [`EXPOSE ${PORT}`, `EXPOSE ${PORT}`]);
  t.equal(dockerfile.match(/^HEALTHCHECK /gm)?.length, 2);
  t.equal(dockerfile.split(`(process.env.PORT || ${PORT}) + '/readyz'`).length, 3);
});

t.test('it runs what the package calls adain-server', async (t) => {
  const { bin } = readYaml('package.json') as { bin: Record<string, string> };
  const entries = [...dockerfile.matchAll(/^ENTRYPOINT .*"(dist\/\S+)"\]$/gm)].map(
    ([, file]) => file,
  );
  t.same(entries, [bin['adain-server'], bin['adain-server']]);
});

t.test('it can be built by tools that know neither heredocs nor COPY --link', async (t) => {
  t.notMatch(dockerfile, /<<|--link|@sha256:/);
});

t.test('compose: variables that exist, and time to finish', async (t) => {
  const { services } = readYaml('docker/compose.yaml') as {
    services: Record<
      string,
      {
        environment: Record<string, string | number>;
        ports?: string[];
        stop_grace_period?: string;
      }
    >;
  };
  const service = services['adain-server'];
  const environment = Object.entries(service?.environment ?? {});
  for (const [name] of environment) t.ok(variables.has(name), name);
  const config = readConfig(
    Object.fromEntries(environment.map(([name, value]) => [name, interpolated(value)])),
  );
  const shutdown = config.ADAIN_SHUTDOWN_DELAY_MS + config.ADAIN_SHUTDOWN_GRACE_MS;
  t.ok(parseInt(service?.stop_grace_period ?? '') * 1000 >= shutdown);
  for (const port of Object.values(services).flatMap(({ ports = [] }) => ports)) {
    t.match(port, /^127\.0\.0\.1:/, 'of this machine alone');
  }
});

t.test('compose and Kubernetes give a GPU the memory of four workers', async (t) => {
  const compose = readYaml('docker/compose.gpu.yaml') as {
    services: Record<string, { mem_limit?: string }>;
  };
  const overlay = readYaml('docker/kubernetes/overlays/gpu/deployment.yaml') as {
    spec: { template: { spec: { containers: { resources: { limits: { memory: string } } }[] } } };
  };
  const [container] = overlay.spec.template.spec.containers;
  const limits = [compose.services['adain-server']?.mem_limit, container?.resources.limits.memory];
  for (const limit of limits) {
    t.match(limit, /^\d+Gi?$/i);
    const memoryBytes = parseInt(limit ?? '') * 2 ** 30;
    t.equal(gpuWorkers({ cores: 16, memoryBytes, freeMiB: 2 ** 16 }), 4);
  }
});

/** As compose does it where the variables are not set. */
const interpolated = (value: string | number) =>
  String(value).replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');

t.test('the README lists every variable and every metric, and no other', async (t) => {
  const readme = readText('docker/README.md');
  const firstCells = new Set([...readme.matchAll(/^\| `(\w+)/gm)].map(([, name]) => name));
  const ours = metrics.map(({ name }) => name).filter((name) => name.startsWith('adain_'));
  for (const name of [...variables, ...ours]) t.ok(firstCells.delete(name), name);
  for (const name of foreign) firstCells.delete(name);
  const others = [...firstCells].filter((name) => !metrics.some((metric) => metric.name === name));
  t.same(others, []);
});

t.test('SECURITY.md tells the default of each limit', async (t) => {
  const config = readConfig({}) as Record<string, string | number | undefined>;
  const rows = [...readText('SECURITY.md').matchAll(/^\|.*\|(.*)\| `(ADAIN_\w+)` +\|$/gm)];
  t.ok(rows.length >= 6);
  for (const [, told = '', name = ''] of rows) {
    const value = config[name];
    if (value === undefined) t.match(told, 'memory', `${name} follows the memory`);
    else t.match(told, new RegExp(`\\b${String(value)}\\b`), name);
  }
});
